package protocol

// Ender is a live Conn that middleware can end without wrapping it, so that what
// runs natively below stays native. End ends the conversation for cause, unless it
// has ended already, and does not wait: a handshake is denied with the status that
// goes with cause, an open socket closed with its code, an answer of HTTP may send
// no more than its last part. Whichever end came first, the disconnect event and
// the context's cause tell the same one. It may be called from any goroutine until
// Serve returns.
type Ender interface {
	End(cause error)
}
