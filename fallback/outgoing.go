package fallback

import (
	"time"

	"github.com/parleygo/parley"
)

// outgoing holds what the client has not confirmed: messages numbered from 1.
// Those that were handed out may be wanted again after a reconnect; they are kept
// as long as nothing new needs the room.
type outgoing struct {
	first    uint64 // number of list[0]; 0 stands for 1
	list     []parley.WebSocketSend
	bytes    int
	held     int       // of the memory of all
	released uint64    // up to here messages may go
	handed   time.Time // since when a poll's client has not confirmed what it got
}

// last returns the number of the newest message.
func (o *outgoing) last() uint64 { return o.begin() + uint64(len(o.list)) - 1 }

func (o *outgoing) begin() uint64 { return max(o.first, 1) }

// put takes a message if there is room, here and with the others.
func (o *outgoing) put(
	message parley.WebSocketSend, limits *Options, hasRoom func(bytes int) bool,
) bool {
	cost, freed := costOf(message), 0
	full := func() bool {
		return len(o.list) >= limits.QueueMessages || cost > limits.QueueBytes-o.bytes ||
			!hasRoom(heldBy(message)-freed)
	}
	for len(o.list) > 0 && full() {
		if o.begin() > o.released {
			return false
		}
		freed += heldBy(o.list[0])
		o.drop()
	}
	o.list = append(o.list, message)
	o.bytes += cost
	o.held += heldBy(message)
	return true
}

func (o *outgoing) drop() {
	o.bytes -= costOf(o.list[0])
	o.held -= heldBy(o.list[0])
	o.list[0] = parley.WebSocketSend{}
	o.list = o.list[1:]
	o.first = o.begin() + 1
}

// forget forgets the messages that may go.
func (o *outgoing) forget() {
	for len(o.list) > 0 && o.begin() <= o.released {
		o.drop()
	}
}

// clear forgets all messages, which the client will not get.
func (o *outgoing) clear() {
	*o = outgoing{first: o.last() + 1, released: o.last()}
}

// release notes that the client has all up to number, on its way at least.
func (o *outgoing) release(number uint64) {
	if number > o.released {
		o.released, o.handed = number, time.Time{}
	}
}

// unconfirmed returns for how long a poll's client has not confirmed what it got.
func (o *outgoing) unconfirmed() time.Duration {
	if o.handed.IsZero() {
		return 0
	}
	return time.Since(o.handed)
}

// seek reports whether everything after cursor is there, and confirms the rest.
func (o *outgoing) seek(cursor uint64) bool {
	if cursor+1 < o.begin() || cursor > o.last() {
		return false
	}
	o.release(cursor)
	for len(o.list) > 0 && o.begin() <= cursor {
		o.drop()
	}
	return true
}

// maxBatch is how many bytes of messages are handed out at once, so that a client
// on a thin line makes progress that can be seen.
const maxBatch = 64 << 10

// after returns the messages after cursor, as many as make a batch.
func (o *outgoing) after(cursor uint64) []parley.WebSocketSend {
	if cursor >= o.last() {
		return nil
	}
	list := o.list
	if cursor >= o.begin() {
		list = list[cursor-o.begin()+1:]
	}
	bytes := 0
	for i, message := range list {
		if bytes += costOf(message); bytes > maxBatch && i > 0 {
			return list[:i]
		}
	}
	return list
}

func costOf(message parley.WebSocketSend) int {
	_, data := message.Payload()
	return len(data) + messageCost
}
