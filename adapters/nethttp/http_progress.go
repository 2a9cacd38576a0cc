package nethttp

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/meter"
	"github.com/parleygo/parley/internal/options"
	"github.com/parleygo/parley/internal/usercode"
)

// progress bounds how long a client may take nothing of what is written to it. The
// bound is renewed with every piece, so that a slow download goes on and a stream
// may be silent for as long as it likes.
type progress struct {
	deadline atomic.Int64 // of the write under way (meter.Now); 0 if it has none
	long     bool         // more was written than net/http holds in a buffer
	piece    int          // how much is written under one deadline
	begun    time.Time    // when the last piece was
}

// What one deadline is for: more, the faster the client takes it.
const (
	leastPiece = 4 << 10
	mostPiece  = 64 << 10
)

// next begins a piece and returns how long it may be, by how long the last one took.
func (p *progress) next(now time.Time, timeout time.Duration) int {
	took := now.Sub(p.begun)
	switch {
	case p.piece == 0:
		p.piece = 4 * leastPiece
	case took < timeout/16:
		p.piece = min(2*p.piece, mostPiece)
	case took > timeout/4:
		p.piece = leastPiece
	}
	p.begun = now
	return p.piece
}

// boundWriting has the next write fail if the client takes nothing. It returns how
// much that write may be of.
//
//parley:noescape
func (c *httpConn) boundWriting() int {
	if c.above.atWork.Load() || c.limited.Load() {
		return math.MaxInt // a handler sets its own, or there is one to keep to
	}
	timeout := c.gateway.writeTimeout(c.r)
	conn := deadlined(c.w)
	if timeout <= 0 || conn == nil {
		return math.MaxInt
	}
	now := time.Now()
	deadline := now.Add(timeout)
	c.out.long = true
	c.out.deadline.Store(int64(meter.At(deadline)))
	conn.SetWriteDeadline(deadline)
	return c.out.next(now, timeout)
}

// unboundWriting lets the client be, for as long as nothing is written.
func (c *httpConn) unboundWriting() {
	if c.out.deadline.Swap(0) != 0 {
		deadlined(c.w).SetWriteDeadline(time.Time{})
	}
}

// writeTimeout is how long the client may take nothing, 0 for any time. A server
// with a WriteTimeout of its own means its whole answer by that; here it is renewed.
func (g *Gateway) writeTimeout(r *http.Request) time.Duration {
	if server := serverOf(r); server != nil && server.WriteTimeout > 0 {
		return server.WriteTimeout
	}
	if timeout := g.options.WriteTimeout; options.Limited(timeout) {
		return timeout
	}
	return 0
}

type deadlinedWriter interface{ SetWriteDeadline(time.Time) error }

// deadlined is what http.ResponseController would find, without an error for what
// it does not.
func deadlined(w http.ResponseWriter) deadlinedWriter {
	for {
		switch wrapper := w.(type) {
		case deadlinedWriter:
			return wrapper
		case interface{ Unwrap() http.ResponseWriter }:
			w = wrapper.Unwrap()
		default:
			return nil
		}
	}
}

// stalled reports whether the client has let a deadline pass.
func (p *progress) stalled() bool {
	deadline := p.deadline.Load()
	return deadline != 0 && int64(meter.Now()) >= deadline
}

// smallAnswer fits net/http's buffer: writing it waits for nobody.
const smallAnswer = 2 << 10

// write writes p in pieces.
//
//parley:noescape
func (c *httpConn) write(p []byte, whole bool) error {
	if len(p) == 0 {
		return nil
	}
	if whole && len(p) <= smallAnswer {
		_, err := c.w.Write(p)
		if err != nil {
			return c.lost(err)
		}
		return nil
	}
	defer c.unboundWriting()
	for len(p) > 0 {
		piece := p[:min(len(p), c.boundWriting())]
		if _, err := c.w.Write(piece); err != nil {
			return c.lost(err)
		}
		p = p[len(piece):]
	}
	return nil
}

// copyFrom copies size bytes in pieces. What src lacks is its own error, not the
// client's.
func (c *httpConn) copyFrom(src io.Reader, size int64) error {
	defer c.unboundWriting()
	for size > 0 {
		piece := min(size, int64(c.boundWriting()))
		n, err := io.Copy(c.w, &io.LimitedReader{R: src, N: piece})
		switch {
		case err != nil && (c.above.atWork.Load() || c.ctx.request.Err() != nil ||
			errors.Is(err, os.ErrDeadlineExceeded)):
			return c.lost(err)
		case err == nil && n < piece:
			return io.ErrUnexpectedEOF // the file has shrunk
		case err != nil:
			return err
		}
		size -= n
	}
	return nil
}

// flush brings what was written to the client.
func (c *httpConn) flush() error {
	c.boundWriting()
	err := http.NewResponseController(c.w).Flush()
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return c.lost(err)
	}
	c.unboundWriting()
	return nil // a writer that can't flush sends when it likes
}

// boundRest bounds what net/http has still to write when the app has returned.
func (c *httpConn) boundRest() {
	if c.out.long {
		c.boundWriting()
	}
}

// lost ends the conversation for a write that failed with err.
//
// A handler is told why, and may go on, as on net/http.
func (c *httpConn) lost(err error) error {
	if c.above.atWork.Load() {
		c.above.broken.Store(true)
		c.ctx.catchUp()
		return err
	}
	cause := parley.ErrDisconnected
	if errors.Is(err, os.ErrDeadlineExceeded) || c.out.stalled() {
		cause = parley.ErrSlowConsumer
	}
	c.ctx.arm()
	c.ctx.end(cause)
	if cause = c.ctx.cause(); cause == parley.ErrSlowConsumer {
		return fmt.Errorf("%w: %w", parley.ErrDisconnected, cause)
	}
	return parley.ErrDisconnected
}

// cut ends the writing of an app that a drain cannot wait for any more.
func (c *httpConn) cut() {
	c.record().cut.Store(true)
	c.cutAt(time.Unix(1, 0))
}

// cutAt has writes fail from a time on, if the writer knows deadlines. Others than
// the app call it, on goroutines of their own.
func (c *httpConn) cutAt(deadline time.Time) {
	usercode.Run(func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if conn := deadlined(c.w); conn != nil && !c.over {
			conn.SetWriteDeadline(deadline)
		}
		return nil
	})
}
