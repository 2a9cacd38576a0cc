package fallback

import "github.com/parleygo/parley"

// outgoing holds what the client has not confirmed: messages numbered from 1.
// Those that were handed out may be wanted again after a reconnect; they are kept
// as long as nothing new needs the room.
type outgoing struct {
	first    uint64 // number of list[0]; 0 stands for 1
	list     []parley.WebSocketSend
	bytes    int
	released uint64 // up to here messages may go
}

// last returns the number of the newest message.
func (o *outgoing) last() uint64 { return o.begin() + uint64(len(o.list)) - 1 }

func (o *outgoing) begin() uint64 { return max(o.first, 1) }

// put takes a message if there is room.
func (o *outgoing) put(message parley.WebSocketSend, limit *Options) bool {
	size := sizeOf(message)
	for len(o.list) > 0 && (len(o.list) >= limit.QueueMessages || o.bytes+size > limit.QueueBytes) {
		if o.begin() > o.released {
			return false
		}
		o.drop()
	}
	o.list = append(o.list, message)
	o.bytes += size
	return true
}

func (o *outgoing) drop() {
	o.bytes -= sizeOf(o.list[0])
	o.list[0] = parley.WebSocketSend{}
	o.list = o.list[1:]
	o.first = o.begin() + 1
}

// seek tells whether everything after cursor is there, and confirms the rest.
func (o *outgoing) seek(cursor uint64) bool {
	if cursor+1 < o.begin() || cursor > o.last() {
		return false
	}
	o.released = max(o.released, cursor)
	for len(o.list) > 0 && o.begin() <= cursor {
		o.drop()
	}
	return true
}

// after returns the messages after cursor.
func (o *outgoing) after(cursor uint64) []parley.WebSocketSend {
	if cursor < o.begin() {
		return o.list
	}
	return o.list[cursor-o.begin()+1:]
}

func sizeOf(message parley.WebSocketSend) int {
	_, data := message.Payload()
	return len(data)
}
