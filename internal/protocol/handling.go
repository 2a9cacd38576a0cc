package protocol

import "github.com/parleygo/parley"

// Handling is a live Conn that lets running handlers finish when its server drains.
// A message counts as handled when the next one is asked for; an app that handles
// messages beside its Receive says so here.
type Handling interface {
	Handling(delta int)
}

// HandlingOf returns the Handling below conn, or one that does not care.
func HandlingOf(conn parley.Conn) Handling {
	if handling, ok := below[Handling](conn); ok {
		return handling
	}
	return nobody{}
}

type nobody struct{}

func (nobody) Handling(int) {}

// below returns the first of conn and the conns that it wraps which is a T.
func below[T any](conn parley.Conn) (found T, ok bool) {
	for {
		if found, ok = conn.(T); ok {
			return found, true
		}
		wrapper, wraps := conn.(interface{ Unwrap() parley.Conn })
		if !wraps {
			return found, false
		}
		conn = wrapper.Unwrap()
	}
}
