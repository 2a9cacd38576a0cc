package nethttp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley/internal/usercode"
)

// spool reads a request body in the background. net/http notices that a client is
// gone only while somebody reads or once the body is read to its end; an app that
// waits for something else would never hear of it.
//
// What is read ahead stays in memory and is bounded, for each spool and for all of
// a gateway's together. A spool that is full waits for the app.
type spool struct {
	body  io.Reader
	limit int64         // bytes it reads for an app; more wait for a handler
	all   *atomic.Int64 // bytes that the gateway's spools hold
	stop  func()        // gets a blocked read to return

	mu     sync.Mutex
	unread [][]byte
	held   int // bytes in unread
	total  int64
	err    error         // how the body ended, once it has
	news   chan struct{} // closed when something above has changed
	closed bool
	ended  chan struct{} // closed when nobody reads any more
}

const (
	spoolChunk = 16 << 10
	spoolMost  = 1 << 20  // bytes that one holds
	spoolsMost = 64 << 20 // bytes that a gateway's hold, beyond a chunk each
)

// errSpoolWait tells that the wait for a part was over before the part came.
var errSpoolWait = errors.New("nethttp: wait for the body ended")

var errOverLimit = errors.New("nethttp: body over its limit")

// watchBody sees to it that the body is read in the background from now on. A
// client that waits to be asked for it is not asked by that. It runs on a goroutine
// of its own, and the writer may be anybody's.
func (c *httpConn) watchBody() {
	usercode.Run(func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch {
		case c.in.done || c.in.spool != nil || c.isNative || c.above.atWork.Load():
		case c.in.reading || !c.in.asked && expectsContinue(c.r):
			c.in.wanted = true
		default:
			c.startSpool()
		}
		return nil
	})
}

func expectsContinue(r *http.Request) bool {
	expect := r.Header["Expect"]
	return len(expect) > 0 && strings.EqualFold(expect[0], "100-continue")
}

// startSpool starts reading in the background. The caller holds mu.
func (c *httpConn) startSpool() {
	controller := http.NewResponseController(c.w)
	if c.in.closed || c.above.atWork.Load() || controller.EnableFullDuplex() != nil {
		return // a writer that cannot: the app's own reads must do
	}
	c.in.duplex = true
	c.unboundReading()
	s := &spool{
		body:  c.r.Body,
		limit: c.gateway.options.MaxBody,
		all:   &c.gateway.spooled,
		stop:  func() { controller.SetReadDeadline(time.Unix(1, 0)) },
		news:  make(chan struct{}),
		ended: make(chan struct{}),
	}
	c.in.spool = s
	go usercode.Call(s.fill, s.end)
}

// fill reads until there is nothing more, or nobody who wants it. The first error
// is final.
func (s *spool) fill() error {
	buffer := make([]byte, spoolChunk)
	for s.awaitRoom() {
		n, err := s.body.Read(buffer)
		if err = s.keep(buffer[:n], err); err != nil {
			return err
		}
	}
	return errSpoolWait
}

// awaitRoom waits while the spool is full, and reports whether it is to read on.
func (s *spool) awaitRoom() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed && (s.total > s.limit || s.held >= spoolMost ||
		s.held > 0 && s.all.Load() >= spoolsMost) {
		news := s.news
		s.mu.Unlock()
		<-news
		s.mu.Lock()
	}
	return !s.closed
}

// keep adds bytes to what is unread, and the end that came with them, which it returns.
// Whoever has the last of the body must not find it being read, and stop that: with the
// end net/http has begun to watch the connection. Stopped in that it would take the client
// for gone, in this request and in all that follow.
func (s *spool) keep(p []byte, end error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total += int64(len(p))
	if len(p) > 0 && !s.closed {
		last := len(s.unread) - 1
		if last >= 0 && len(s.unread[last])+len(p) <= spoolChunk {
			s.unread[last] = append(s.unread[last], p...)
		} else {
			s.unread = append(s.unread, bytes.Clone(p))
		}
		s.hold(len(p))
	}
	if end != nil {
		s.over(end)
	}
	s.tell()
	return end
}

// over notes how the reading has ended. The caller holds mu.
func (s *spool) over(err error) {
	s.err = err
	close(s.ended)
}

// hold accounts for n more bytes, or fewer. The caller holds mu.
func (s *spool) hold(n int) {
	s.held += n
	s.all.Add(int64(n))
}

// tell wakes whoever waits for news. The caller holds mu.
func (s *spool) tell() {
	close(s.news)
	s.news = make(chan struct{})
}

// end is called when the reading is over, with how if nobody knows yet.
func (s *spool) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.over(err)
		s.tell()
	}
}

// next waits for the next unread part, with a timeout (0 for none) for as long as
// the client sends nothing.
func (s *spool) next(ctx context.Context, timeout time.Duration) ([]byte, error) {
	for {
		s.mu.Lock()
		part, err := s.take()
		news := s.news
		s.mu.Unlock()
		if len(part) > 0 || err != nil {
			return part, err
		}
		var stalled <-chan time.Time
		if timeout > 0 {
			stalled = time.After(timeout)
		}
		select {
		case <-news:
		case <-stalled:
			return nil, os.ErrDeadlineExceeded
		case <-ctx.Done():
			return nil, errSpoolWait
		}
	}
}

// take takes a part of what is unread, or the error behind all of it. The caller
// holds mu.
func (s *spool) take() (part []byte, err error) {
	switch {
	case len(s.unread) > 0:
	case s.err == nil && s.total > s.limit:
		return nil, errOverLimit
	default:
		return nil, s.err
	}
	part = s.unread[0]
	taken := 1
	for taken < len(s.unread) && len(part)+len(s.unread[taken]) <= bodyChunk {
		part = append(part, s.unread[taken]...)
		taken++
	}
	s.unread = s.unread[taken:]
	s.hold(-len(part))
	s.tell()
	return part, nil
}

// finished reports whether the body was read to its end.
func (s *spool) finished() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err == io.EOF
}

// close stops the reading and drops what is unread.
func (s *spool) close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		s.unread = nil
		s.hold(-s.held)
		s.tell()
	}
	s.mu.Unlock()
	select {
	case <-s.ended:
	default:
		s.stop()
		<-s.ended
	}
}

// liftLimit has a spool read as much as a handler may: any number of bytes.
func (c *httpConn) liftLimit() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.in.spool; s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.limit = math.MaxInt64
		s.tell()
	}
}

// endSpool ends the reading in the background.
func (c *httpConn) endSpool() {
	c.mu.Lock()
	spool := c.in.spool
	c.mu.Unlock()
	if spool != nil {
		spool.close()
	}
}
