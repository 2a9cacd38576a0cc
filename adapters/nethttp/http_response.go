package nethttp

import (
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// response is the answer on its way to the client.
type response struct {
	order    protocol.HTTP
	status   int
	headSent bool
	implied  bool        // a write follows, which says 200 if nobody has
	trailers bool        // the client hears trailers
	declared []string    // those that the head names
	close    atomic.Bool // the connection ends with this answer
	progress
}

// writeHead writes the head. length is that of the whole body if it is known
// here, else negative; more tells that the app goes on after this.
func (c *httpConn) writeHead(length int64, more bool) {
	if c.out.headSent {
		return
	}
	c.out.headSent = true
	if c.above.atWork.Load() {
		c.writeHandlerHead()
		return
	}
	header := c.w.Header()
	_, sized := c.out.order.Sized()
	framed := sized || c.out.trailers || c.out.status == 204 || c.out.status == 304
	if !framed && length >= 0 {
		header["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	}
	if c.hasBody() {
		c.settleBody(more)
	}
	if c.out.close.Load() && c.r.ProtoMajor == 1 {
		header["Connection"] = []string{"close"}
	}
	c.w.WriteHeader(c.out.status)
	if more {
		c.nowWaits()
	}
}

// bodyUnread tells that the request body was not read to its end.
func (c *httpConn) bodyUnread() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	readToEnd := c.in.done && c.in.failed == 0 || c.in.spool != nil && c.in.spool.finished()
	return c.hasBody() && !readToEnd
}

// settleBody decides, before the head goes out, what becomes of a body that was
// not read to its end. net/http would throw the rest away. If the app goes on,
// or a spool is reading, net/http is told not to, and then can't use the
// connection again (go.dev/issue/68560). Where the connection ends with the answer, as it
// does when the conversation was ended, net/http does not wait for the rest either. Else
// no spool may start any more, and net/http reads the rest, but does not wait for ever
// before it answers.
func (c *httpConn) settleBody(more bool) {
	unread := c.bodyUnread()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !unread:
	case c.in.duplex:
		c.out.close.Store(true)
	case more:
		c.out.close.Store(true)
		c.in.duplex = http.NewResponseController(c.w).EnableFullDuplex() == nil
	case c.isTold(), c.out.close.Load():
		c.out.close.Store(true)
		c.in.closed = true
	default:
		c.in.closed = true
		c.boundReading(c.bodyTimeout())
	}
}

// sendBody writes a part of the body. boxed is the same event: to make another of it
// would be an allocation.
//
//parley:noescape
func (c *httpConn) sendBody(event parley.HTTPResponseBody, boxed parley.Event) error {
	allowed, err := c.out.order.Body(boxed, int64(len(event.Body)), event.More)
	if c.out.order.Head && c.above.atWork.Load() {
		allowed = int64(len(event.Body)) // what goes out of it is the server's business
	}
	if c.out.order.State() == protocol.HTTPIdle || allowed == 0 && err != nil && !c.out.headSent {
		return err
	}
	length := int64(-1)
	ended := !event.More && err == nil
	whole := ended && c.out.order.State() == protocol.HTTPComplete
	if ended && c.mustTell(event.Body, whole) {
		length = int64(len(event.Body))
	}
	c.out.implied = allowed > 0
	c.writeHead(length, event.More)
	if writeErr := c.write(event.Body[:allowed], whole); writeErr != nil {
		return writeErr
	}
	if err != nil {
		return err
	}
	trailersNext := c.out.order.State() == protocol.HTTPAwaitTrailers && !c.above.atWork.Load()
	if event.More && !event.Buffered || trailersNext {
		return c.flush()
	}
	return nil
}

// mustTell reports whether the length of a body that comes in one part is the kit's to
// tell. One that fits net/http's buffer is measured there, as for handlers, at a lower
// price than a field of the header, if nothing flushes it before the app returns. A client
// of HTTP/1.0 knows by the length alone an answer that is broken off. Of HEAD's empty body
// nothing can be told.
//
//parley:inline
func (c *httpConn) mustTell(body []byte, whole bool) bool {
	if c.out.order.Head {
		return len(body) > 0
	}
	return len(body) > smallAnswer || !whole || !c.r.ProtoAtLeast(1, 1)
}

// sendTrailers writes trailers, if the client hears them.
func (c *httpConn) sendTrailers(event parley.HTTPResponseTrailers) error {
	if err := c.out.order.Trailers(event); err != nil || !c.out.trailers {
		return err
	}
	header := c.w.Header()
	for name, values := range event.Header {
		name = protocol.CanonicalName(name)
		if c.above.atWork.Load() {
			delete(header, name) // it may have stood in the head, and is said anew
		}
		if !slices.Contains(c.out.declared, name) {
			name = http.TrailerPrefix + name
		}
		header[name] = append(header[name], values...)
	}
	return nil
}

// sendEarlyHint writes a 103 answer. It goes to the innermost writer, since
// wrappers take any status for the final one.
func (c *httpConn) sendEarlyHint(event parley.HTTPResponseEarlyHint) error {
	if err := c.out.order.EarlyHint(event); err != nil {
		return err
	}
	if !c.r.ProtoAtLeast(1, 1) || len(event.Links) == 0 {
		return nil // HTTP/1.0 knows no interim answers
	}
	w := innermost(c.w)
	header := w.Header()
	before, had := header["Link"]
	header["Link"] = append(slices.Clone(before), event.Links...)
	w.WriteHeader(http.StatusEarlyHints)
	if delete(header, "Link"); had {
		header["Link"] = before
	}
	return nil
}

// innermost unwraps a writer.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = wrapper.Unwrap()
	}
}
