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
	timer := time.AfterFunc(age, func() {
		c.open.Load().Close(parley.CodeOf(parley.ErrTooOld), "", parley.ErrTooOld)
	})
	c.whenOver(func() { timer.Stop() })
}
