package nethttp

import (
	"math/rand/v2"
	"time"

	"github.com/parleygo/parley"
)

// MaxAge is how long a WebSocket may live before it is closed with 1012 and the
// cause parley.ErrTooOld, so that its client comes back, perhaps to another
// server. Each socket's own age differs from it by up to a tenth, so that those
// opened together do not come back together. Default none.
func MaxAge(age time.Duration) Option {
	return func(o *options) { o.maxAge = age }
}

// startAging ends the socket when it is too old.
func (c *webSocketConn) startAging() {
	age := c.gateway.options.maxAge
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
