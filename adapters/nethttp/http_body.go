package nethttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/parleygo/parley"
)

// bodyChunk is the most that one HTTPRequest event carries.
const bodyChunk = 64 << 10

// requestBody is the request body on its way to the app. While only the app
// reads, the bytes come straight from the server; once somebody has to watch
// for the client's leaving, a spool reads ahead in the background.
type requestBody struct {
	done    bool // the last part was received
	size    int64
	reading bool // the app is reading, on its own goroutine
	wanted  bool // and a spool is to go on from there
	closed  bool // the app has returned
	spool   *spool
	duplex  bool // the server was told not to read the rest before it answers
}

var emptyRequest parley.Event = parley.HTTPRequest{}

// receiveBody returns the next part of the body, or nothing when there is none
// any more.
func (c *httpConn) receiveBody(ctx context.Context) (parley.Event, error) {
	if !c.hasBody() {
		c.in.done = true
		return emptyRequest, nil
	}
	if limit := c.gateway.options.maxBody; limit >= 0 && c.r.ContentLength > limit {
		return nil, c.bodyTooLarge(limit) // before the client is asked to go on sending
	}
	var part []byte
	var err error
	if spool := c.bodySpool(ctx); spool != nil {
		part, err = spool.next(ctx)
	} else {
		part, err = c.readBody()
		c.doneReading()
	}
	return c.bodyEvent(ctx, part, err)
}

func (c *httpConn) hasBody() bool {
	return c.r.Body != nil && c.r.Body != http.NoBody && c.r.ContentLength != 0
}

// bodySpool returns the spool to read from. Without one the caller reads itself,
// and says so with doneReading afterwards.
func (c *httpConn) bodySpool(ctx context.Context) *spool {
	// A wait that may end before the client sends must not hold up a read.
	waits := ctx != context.Context(&c.ctx) && ctx.Done() != nil && ctx.Done() != c.ctx.arm().Done()
	c.mu.Lock()
	defer c.mu.Unlock()
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
	if c.in.wanted && c.in.spool == nil && !c.in.closed {
		c.startSpool()
	}
}

// bodyEvent makes an event of a part that was read and the error that ended it.
func (c *httpConn) bodyEvent(ctx context.Context, part []byte, err error) (parley.Event, error) {
	c.in.size += int64(len(part))
	limit := c.gateway.options.maxBody
	switch {
	case limit >= 0 && c.in.size > limit:
		return nil, c.bodyTooLarge(limit)
	case err == nil:
		more := c.r.ContentLength < 0 || c.in.size < c.r.ContentLength
		c.in.done = !more
		return parley.HTTPRequest{Body: part, More: more}, nil
	case err == io.EOF:
		c.in.done = true
		return parley.HTTPRequest{Body: part}, nil
	case errors.Is(err, errSpoolWait):
		return nil, context.Cause(ctx)
	case len(part) > 0:
		return parley.HTTPRequest{Body: part, More: true}, nil
	}
	c.in.done = true
	c.ctx.arm()
	c.ctx.end(parley.ErrDisconnected)
	return parley.HTTPDisconnect{Cause: context.Cause(&c.ctx)}, nil
}

// readBody reads the next part on the app's own goroutine.
func (c *httpConn) readBody() ([]byte, error) {
	size := int64(bodyChunk)
	if left := c.r.ContentLength - c.in.size; c.r.ContentLength > 0 && left < size {
		size = left
	}
	part := make([]byte, size)
	if timeout := c.bodyTimeout(); timeout > 0 {
		http.NewResponseController(c.w).SetReadDeadline(time.Now().Add(timeout))
	}
	n, err := c.r.Body.Read(part)
	for n == 0 && err == nil {
		n, err = c.r.Body.Read(part)
	}
	return part[:n], err
}

// bodyTimeout is how long a read may take, 0 for any time.
func (c *httpConn) bodyTimeout() time.Duration {
	if server, ok := c.r.Context().Value(http.ServerContextKey).(*http.Server); ok && server.ReadTimeout > 0 {
		return 0 // the server's own is in force
	}
	return max(c.gateway.options.bodyTimeout, 0)
}

func (c *httpConn) bodyTooLarge(limit int64) error {
	c.out.close = true // what the client still sends is not read
	return fmt.Errorf("%w: request body over %d bytes", parley.ErrTooLarge, limit)
}
