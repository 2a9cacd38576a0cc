package consumer

import (
	"fmt"

	"github.com/parleygo/parley"
)

// Answer is what Connect decides about its client: to let it in, or not. Make one
// with Accept or Deny. The zero Answer decides nothing, and is for Connect to
// return beside an error.
type Answer struct {
	event  parley.Event // to the handshake; nil decides nothing
	denies bool
}

// Accept completes the handshake. The zero WebSocketAccept is fine.
func Accept(accept parley.WebSocketAccept) Answer { return Answer{event: accept} }

// Deny answers the handshake with a plain HTTP response instead. The zero
// WebSocketDeny is one with status 403.
func Deny(deny parley.WebSocketDeny) Answer { return Answer{event: deny, denies: true} }

// errUndecided is for a Connect that returned the zero Answer and no error. Nobody
// is let in by mistake.
var errUndecided = fmt.Errorf("consumer: Connect returned an empty Answer: "+
	"return consumer.Accept(…), consumer.Deny(…) or an error: %w", parley.ErrNotAnswered)
