package parley

// ChannelReceive is received: one message sent to the channel that the scope
// names. Attempt counts how often it was handed to an app before, so that it is
// 0 the first time.
type ChannelReceive struct {
	Type    string
	Data    []byte
	Attempt int
}

// ChannelDisconnect is received after the message, and from then on: there is
// one message a conversation. The app says by what it returns whether it has
// dealt with it. Cause is never nil.
type ChannelDisconnect struct {
	Cause error
}

func (ChannelReceive) EventType() string    { return "channel.receive" }
func (ChannelDisconnect) EventType() string { return "channel.disconnect" }
