package nethttp

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"os"
	"sync"
	"time"
)

// spoolMemory is how much of a body read ahead is held in memory. The rest goes
// to a temporary file.
const spoolMemory = 64 << 10

// errSpoolWait tells that the wait for a part was over before the part came.
var errSpoolWait = errors.New("nethttp: wait for the body ended")

// spool reads a request body in the background. net/http notices that a client
// is gone only while somebody reads or once the body is read to its end; an app
// that waits for something else would never hear of it.
type spool struct {
	body  io.Reader
	limit int64  // bytes it reads at most
	stop  func() // gets a blocked read to return

	mu     sync.Mutex
	memory []byte   // the oldest unread bytes, while there is no file
	file   *os.File // the unread bytes, once they were too many
	read   int64    // offset of the first unread byte in file
	wrote  int64    // offset of the end of file
	total  int64
	err    error         // how the body ended, once it has
	news   chan struct{} // closed when something above has changed
	ended  chan struct{} // closed when the reading goroutine is gone
}

// watchBody sees to it that the body is read in the background from now on.
func (c *httpConn) watchBody() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.in.done || c.in.spool != nil || c.isNative || c.above.atWork.Load():
	case c.in.reading:
		c.in.wanted = true
	default:
		c.startSpool()
	}
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
		stop:  func() { controller.SetReadDeadline(time.Unix(1, 0)) },
		news:  make(chan struct{}),
		ended: make(chan struct{}),
	}
	c.in.spool = s
	go s.fill()
}

func (s *spool) fill() {
	defer close(s.ended)
	buffer := make([]byte, 16<<10)
	for {
		n, err := s.body.Read(buffer)
		if err == nil && s.over(n) {
			err = errOverLimit
		}
		s.keep(buffer[:n], err)
		if err != nil {
			return
		}
	}
}

// over reports whether n more bytes are too many.
func (s *spool) over(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total+int64(n) > s.limit
}

var errOverLimit = errors.New("nethttp: body over its limit")

// keep adds bytes to what is unread.
func (s *spool) keep(p []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total += int64(len(p))
	if s.file == nil && len(s.memory)+len(p) > spoolMemory {
		err = errors.Join(err, s.openFile())
	}
	if s.file != nil {
		n, writeErr := s.file.WriteAt(p, s.wrote)
		s.wrote += int64(n)
		if err == nil {
			err = writeErr
		}
	} else {
		s.memory = append(s.memory, p...)
	}
	s.err = err
	close(s.news)
	s.news = make(chan struct{})
}

// openFile moves what is in memory to a file that has no name.
func (s *spool) openFile() error {
	file, err := os.CreateTemp("", "parley-body-*")
	if err != nil {
		return err
	}
	os.Remove(file.Name()) // where the platform does not allow it, close does it
	n, err := file.WriteAt(s.memory, 0)
	s.file, s.wrote, s.memory = file, int64(n), nil
	return err
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

// take takes a part of what is unread. The caller holds mu.
func (s *spool) take() ([]byte, error) {
	if s.file == nil {
		part := s.memory
		s.memory = nil
		if len(part) == 0 {
			return nil, s.err
		}
		return part, nil
	}
	if s.read == s.wrote {
		return nil, s.err
	}
	part := make([]byte, min(s.wrote-s.read, bodyChunk))
	n, err := s.file.ReadAt(part, s.read)
	s.read += int64(n)
	if err == io.EOF {
		err = nil
	}
	return part[:n], err
}

// finished tells whether the body was read to its end.
func (s *spool) finished() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err == io.EOF
}

// close stops the reading and drops what is unread.
func (s *spool) close() {
	select {
	case <-s.ended:
	default:
		s.stop()
		<-s.ended
	}
	if s.file != nil {
		s.file.Close()
		os.Remove(s.file.Name())
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
