package nethttp

import (
	"context"
	"sync"
	"time"

	"github.com/parleygo/parley/internal/options"
)

// vigilAfter is how long a handshake may go unanswered before somebody looks after it.
// Most are answered before: to wait for the end of a request makes its context keep a
// channel, for as long as the socket lives.
const vigilAfter = time.Millisecond

// vigil looks after a handshake that is not answered at once: its client may leave, and
// its time runs out.
type vigil struct {
	c *webSocketConn

	mu    sync.Mutex
	timer *time.Timer // begins it, and is then the handshake's timeout
	stop  func() bool // ends the wait for the request's end
	begun bool
	over  bool
}

func (c *webSocketConn) keepVigil() *vigil {
	v := &vigil{c: c}
	v.mu.Lock()
	defer v.mu.Unlock()
	if c.scope.Request.Context().Err() != nil {
		v.begin(0)
	} else {
		v.timer = time.AfterFunc(v.patience(), v.fired)
	}
	return v
}

// patience is the time until the vigil begins.
func (v *vigil) patience() time.Duration {
	return min(vigilAfter, v.c.gateway.options.HandshakeTimeout)
}

func (v *vigil) fired() {
	v.mu.Lock()
	begun := v.begun
	if !begun && !v.over {
		v.begin(v.patience())
	}
	v.mu.Unlock()
	if begun {
		v.c.timedOut()
	}
}

// begin is called when some time has passed. The caller holds mu.
func (v *vigil) begin(passed time.Duration) {
	v.begun = true
	v.stop = context.AfterFunc(v.c.scope.Request.Context(), v.c.requestEnded)
	if timeout := v.c.gateway.options.HandshakeTimeout; options.Limited(timeout) {
		v.timer = time.AfterFunc(timeout-passed, v.fired)
	}
}

// end ends the vigil.
func (v *vigil) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.over = true
	if v.timer != nil {
		v.timer.Stop()
	}
	if v.stop != nil {
		v.stop()
	}
}
