package nethttp

import (
	"math/rand/v2"
	"time"

	"github.com/parleygo/parley"
)

// startAging ends the socket when it is too old.
func (c *webSocketConn) startAging() {
	age := c.gateway.options.MaxAge
	if age <= 0 {
		return
	}
	age += time.Duration(float64(age) * (rand.Float64() - 0.5) / 5)
	c.aging = time.AfterFunc(age, func() {
		c.socket.Close(parley.CodeOf(parley.ErrTooOld), "", parley.ErrTooOld)
	})
}

func (c *webSocketConn) stopAging() {
	if c.aging != nil {
		c.aging.Stop()
	}
}
