package origin

import (
	"net/http"

	"github.com/parleygo/parley"
)

// Gate is a conn of HTTP whose server has been told which pages may open WebSockets.
type Gate interface {
	// CheckPage decides on a request that stands for a handshake. decides is false
	// where the server leaves it to apps.
	CheckPage(r *http.Request) (decides bool, refusal error)
}

// AtGate has the server behind conn decide, below wrappers that have an Unwrap method.
func AtGate(conn parley.Conn, r *http.Request) (decides bool, refusal error) {
	for {
		if gate, ok := conn.(Gate); ok {
			return gate.CheckPage(r)
		}
		wrapper, wraps := conn.(interface{ Unwrap() parley.Conn })
		if !wraps {
			return false, nil
		}
		conn = wrapper.Unwrap()
	}
}
