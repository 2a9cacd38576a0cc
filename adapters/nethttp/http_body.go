package nethttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/meter"
	"github.com/parleygo/parley/internal/options"
	"github.com/parleygo/parley/internal/protocol"
)

// bodyChunk is the most that one HTTPRequest event carries.
const bodyChunk = 64 << 10

// requestBody is the request body on its way to the app. While only the app
// reads, the bytes come straight from the server; once somebody has to watch
// for the client's leaving, a spool reads ahead in the background.
type requestBody struct {
	done    bool  // there is nothing more to receive
	asked   bool  // the app has asked for it
	failure error // of a read that has brought something all the same
	size    int64
	failed  int  // the status for a client that did not send all of it
	reading bool // the app is reading, on its own goroutine
	wanted  bool // and a spool is to go on from there
	closed  bool // the head of the answer is out, or the app has returned
	spool   *spool
	duplex  bool // the server was told not to read the rest before it answers

	deadline atomic.Int64 // of the read under way (meter.Now); 0 if it has none
}

var emptyRequest parley.Event = parley.HTTPRequest{}

// receiveBody returns the next part of the body, or nothing when there is none
// any more.
//
//parley:noescape
func (c *httpConn) receiveBody(ctx context.Context) (parley.Event, error) {
	if !c.hasBody() {
		c.endBody()
		return emptyRequest, nil
	}
	if limit := c.gateway.options.MaxBody; c.announced() > limit {
		return nil, c.bodyTooLarge(limit) // before the client is asked to go on sending
	}
	var part []byte
	var err error
	if spool := c.bodySpool(ctx); spool != nil {
		part, err = spool.next(ctx, c.bodyTimeout())
	} else {
		part, err = c.readBody()
		c.doneReading()
	}
	return c.bodyEvent(ctx, part, err)
}

// receiveForHandler returns the next part of the body to a handler that runs over
// events: without limits, and with the errors that reading it has.
func (c *httpConn) receiveForHandler(ctx context.Context) (parley.Event, error) {
	if !c.hasBody() {
		c.endBody()
		return emptyRequest, nil
	}
	if err := c.in.failure; err != nil {
		c.in.failure = nil
		c.ctx.catchUp()
		return nil, err
	}
	part, err := c.readForHandler(ctx)
	switch {
	case err == nil:
		return parley.HTTPRequest{Body: part, More: true}, nil
	case err == io.EOF:
		c.endBody()
		return parley.HTTPRequest{Body: part}, nil
	case errors.Is(err, errSpoolWait):
		return nil, waitEnded(ctx)
	case len(part) > 0:
		c.in.failure = err
		return parley.HTTPRequest{Body: part, More: true}, nil
	}
	c.ctx.catchUp()
	return nil, err
}

// readForHandler reads on the handler's goroutine. Middleware that ends the context,
// for a deadline or a login, ends the read. Where net/http has ended it, which it does
// also for a deadline that the handler has set, the read says itself what it met.
func (c *httpConn) readForHandler(ctx context.Context) ([]byte, error) {
	c.mu.Lock()
	spool := c.in.spool
	c.mu.Unlock()
	if spool != nil {
		return spool.next(ctx, 0)
	}
	own := c.r.Context()
	var interrupted atomic.Bool
	stop := context.AfterFunc(ctx, func() {
		if own.Err() == nil {
			interrupted.Store(true)
			c.above.SetReadDeadline(time.Unix(1, 0))
		}
	})
	defer stop()
	part, err := c.readPart()
	c.in.size += int64(len(part))
	if interrupted.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
		c.out.close.Store(true) // the rest may not come for long
		err = errSpoolWait
	}
	return part, err
}

// waitEnded is why a wait for the body was over: the caller's context, or the
// conversation.
func waitEnded(ctx context.Context) error {
	if ctx.Err() == nil {
		return parley.ErrClosed
	}
	return context.Cause(ctx)
}

//parley:inline
func (c *httpConn) hasBody() bool {
	return c.r.Body != nil && c.r.Body != http.NoBody && c.r.ContentLength != 0
}

// announced is how long the client says its body is, or -1. That says nothing of a
// body which middleware above has put in its place: a decompressed one is longer.
func (c *httpConn) announced() int64 {
	if c.serversBody() {
		return c.r.ContentLength
	}
	return -1
}

// serversBody reports whether the request's body is net/http's own.
func (c *httpConn) serversBody() bool {
	body := c.r.Body
	if watched, ok := body.(protocol.SameBody); ok {
		body = watched.SameAs()
	}
	kind := reflect.TypeOf(body)
	return kind.Kind() == reflect.Pointer && strings.HasPrefix(kind.Elem().PkgPath(), "net/http")
}

// bodySpool returns the spool to read from. Without one the caller reads itself,
// and says so with doneReading afterwards.
func (c *httpConn) bodySpool(ctx context.Context) *spool {
	// A wait that may end before the client sends must not hold up a read.
	waits := ctx != context.Context(c.ctx) && ctx.Done() != nil && ctx.Done() != c.ctx.arm().Done()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in.asked = true
	if waits && c.in.spool == nil {
		c.startSpool()
	}
	c.in.reading = c.in.spool == nil
	return c.in.spool
}

func (c *httpConn) doneReading() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in.reading = false
	if c.in.wanted && c.in.spool == nil {
		c.startSpool()
	}
}

// bodyEvent makes an event of a part that was read and the error that ended it.
func (c *httpConn) bodyEvent(ctx context.Context, part []byte, err error) (parley.Event, error) {
	c.in.size += int64(len(part))
	limit := c.gateway.options.MaxBody
	switch {
	case c.in.size > limit:
		return nil, c.bodyTooLarge(limit)
	case err == nil:
		length := c.announced()
		more := length < 0 || c.in.size < length
		if !more {
			c.endBody()
		}
		return parley.HTTPRequest{Body: part, More: more}, nil
	case err == io.EOF:
		c.endBody()
		return parley.HTTPRequest{Body: part}, nil
	case len(part) > 0:
		return parley.HTTPRequest{Body: part, More: true}, nil
	case c.isTold() && (errors.Is(err, errSpoolWait) || errors.Is(err, os.ErrDeadlineExceeded)):
		return parley.HTTPDisconnect{Cause: context.Cause(c.ctx)}, nil
	case errors.Is(err, errSpoolWait):
		return nil, waitEnded(ctx)
	case errors.Is(err, parley.ErrAppPanic), errors.Is(err, parley.ErrGoexit):
		return nil, err // of a body that middleware has put there
	}
	return c.bodyFailed(err)
}

// bodyFailed ends a conversation whose client did not send what it announced.
func (c *httpConn) bodyFailed(err error) (parley.Event, error) {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, c.bodyTooLarge(tooLarge.Limit) // of a middleware above
	}
	cause, status := parley.ErrDisconnected, http.StatusBadRequest
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		cause, status = parley.ErrIdle, http.StatusRequestTimeout
	case !c.serversBody() && c.r.Context().Err() == nil && !errors.Is(err, io.ErrUnexpectedEOF):
		cause = fmt.Errorf("%w: %w", parley.ErrDisconnected, err) // it sent nonsense, and may be there
	}
	c.mu.Lock()
	c.in.done, c.in.failed = true, status
	c.mu.Unlock()
	c.out.close.Store(true)
	c.ctx.arm()
	c.ctx.end(cause)
	return parley.HTTPDisconnect{Cause: context.Cause(c.ctx)}, nil
}

// endBody notes that the body was read to its end. The server goes on to watch the
// connection, which the deadline of the last read must not end.
func (c *httpConn) endBody() {
	c.mu.Lock()
	c.in.done = true
	c.mu.Unlock()
	c.unboundReading()
}

// readBody reads the next part on the app's own goroutine.
func (c *httpConn) readBody() ([]byte, error) {
	c.boundReading(c.bodyTimeout())
	if c.isTold() { // before the deadline was set, which has taken that of tell back
		return nil, os.ErrDeadlineExceeded
	}
	return c.readPart()
}

func (c *httpConn) readPart() ([]byte, error) {
	size := int64(bodyChunk)
	if length := c.announced(); length > 0 {
		size = min(size, max(length-c.in.size, 512))
	}
	part := make([]byte, size)
	n, err := c.r.Body.Read(part)
	for n == 0 && err == nil {
		n, err = c.r.Body.Read(part)
	}
	return part[:n], err
}

// boundReading has reads fail that take longer than timeout, unless that is 0.
func (c *httpConn) boundReading(timeout time.Duration) {
	if timeout > 0 {
		deadline := time.Now().Add(timeout)
		c.in.deadline.Store(int64(meter.At(deadline)))
		http.NewResponseController(c.w).SetReadDeadline(deadline)
	}
}

func (c *httpConn) unboundReading() {
	if c.in.deadline.Load() != 0 {
		c.in.deadline.Store(0)
		http.NewResponseController(c.w).SetReadDeadline(time.Time{})
	}
}

// stalled reports whether the client has let a deadline pass.
func (b *requestBody) stalled() bool {
	deadline := b.deadline.Load()
	return deadline != 0 && int64(meter.Now()) >= deadline
}

// bodyTimeout is how long a read may take, 0 for any time.
func (c *httpConn) bodyTimeout() time.Duration {
	if server := serverOf(c.r); server != nil && server.ReadTimeout > 0 {
		return 0 // the server's own is in force
	}
	if timeout := c.gateway.options.BodyTimeout; options.Limited(timeout) {
		return timeout
	}
	return 0
}

// lingerTime is how long net/http goes on reading a body that nobody wants, for
// the answer to get to a client that still sends.
const lingerTime = 500 * time.Millisecond

// linger bounds that: the client may never send the rest.
func (c *httpConn) linger() {
	if c.out.close.Load() && c.r.ProtoMajor == 1 && c.hasBody() && c.bodyUnread() {
		c.boundReading(lingerTime)
	}
}

func (c *httpConn) bodyTooLarge(limit int64) error {
	c.out.close.Store(true) // what the client still sends is not read
	return fmt.Errorf("%w: request body over %d bytes", parley.ErrTooLarge, limit)
}
