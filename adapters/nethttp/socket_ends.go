package nethttp

import (
	"sync"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/socket"
)

// socketEnds counts the WebSockets that are open and how others have ended.
type socketEnds struct {
	sync.Mutex
	open     int
	accepted uint64
	codes    CloseCodes
	causes   CloseCauses
	drain    DrainCount
}

func (e *socketEnds) opened() {
	e.Lock()
	defer e.Unlock()
	e.open++
	e.accepted++
}

// ended takes account of a socket that has gone.
func (e *socketEnds) ended(sock *socket.Conn, draining, cut bool) {
	e.Lock()
	defer e.Unlock()
	e.open--
	end := sock.Ended()
	e.codes[codeIndex(end.Code)]++
	e.causes[causeIndex(end.Cause)]++
	switch {
	case !draining:
	case cut, end.Cause == parley.ErrDraining && !sock.SaidGoodbye():
		e.drain.add(wasCut)
	case end.Cause == parley.ErrDraining:
		e.drain.add(closed)
	default:
		e.drain.add(finished)
	}
}
