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
	for {
		if handling, ok := conn.(Handling); ok {
			return handling
		}
		wrapper, ok := conn.(interface{ Unwrap() parley.Conn })
		if !ok {
			return nobody{}
		}
		conn = wrapper.Unwrap()
	}
}

type nobody struct{}

func (nobody) Handling(int) {}
