package parley

// ChannelReceive is received: one message sent to the channel that the scope
// names. Attempt counts how often it was handed to an app before, so that it is
// 0 the first time.
type ChannelReceive struct {
	Type    string
	Data    []byte
	Attempt int
}

// ChannelDisconnect is received after the last message, and from then on. A worker
// gives one message a conversation, and the app says by what it returns whether it
// has dealt with it; package stateless gives many. Cause is never nil.
type ChannelDisconnect struct {
	Cause error
}

func (ChannelReceive) EventType() string    { return "channel.receive" }
func (ChannelDisconnect) EventType() string { return "channel.disconnect" }
