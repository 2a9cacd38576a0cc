package fallback

import "github.com/parleygo/parley"

// incoming holds the client's messages that the app has not received. Bytes are
// the bound, and one message may always wait.
type incoming struct {
	list  []parley.WebSocketReceive
	bytes int
}

// messageCost is what a message counts beside its bytes: those without any must not
// be for free.
const messageCost = 64

func (i *incoming) waiting() bool { return len(i.list) > 0 }

// put takes a message if there is room for it.
func (i *incoming) put(message parley.WebSocketReceive, limit int) bool {
	cost := len(message.Data) + messageCost
	if len(i.list) > 0 && cost > limit-i.bytes {
		return false
	}
	i.list = append(i.list, message)
	i.bytes += cost
	return true
}

func (i *incoming) take() parley.WebSocketReceive {
	message := i.list[0]
	i.list[0] = parley.WebSocketReceive{}
	i.list = i.list[1:]
	i.bytes -= len(message.Data) + messageCost
	return message
}

func (i *incoming) drop() { *i = incoming{} }
