package nethttp

import (
	"net/http"
	"strings"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// head is the head of an answer on its way into the server's header. It goes out with the
// first part of the body, so that a body of one part gets its length.
type head struct {
	check    protocol.HeaderCheck
	into     http.Header
	begun    bool // somebody above has
	handler  bool // it is a handler's
	trailers bool // the client hears them
}

// sendStart takes the head. boxed is the same event: to make another of it would be an
// allocation.
//
//parley:noescape
func (c *httpConn) sendStart(event parley.HTTPResponseStart, boxed parley.Event) error {
	h, err := c.mayStart(boxed, event.Status, event.Trailers)
	if err != nil {
		return err
	}
	for name, values := range event.Header {
		h.take(name, values)
	}
	if err = c.start(&h, boxed, event.Status, event.Trailers); err != nil {
		for name := range event.Header {
			h.drop(name)
		}
	}
	return err
}

// sendFields is sendStart without an event.
//
//parley:noescape
func (c *httpConn) sendFields(status int, fields *parley.Fields) error {
	h, err := c.mayStart(startOfWhole, status, false)
	if err != nil {
		return err
	}
	for i := range fields.Len() {
		h.take(fields.At(i))
	}
	if err = c.start(&h, startOfWhole, status, false); err != nil {
		for i := range fields.Len() {
			name, _ := fields.At(i)
			h.drop(name)
		}
	}
	return err
}

// mayStart returns the head to put fields into, if one may come.
//
//parley:noescape
func (c *httpConn) mayStart(boxed parley.Event, status int, trailers bool) (h head, err error) {
	if err = c.out.order.MayStart(boxed, status); err != nil {
		return h, err
	}
	c.out.order.Head = c.r.Method == http.MethodHead
	h.into, h.handler = c.w.Header(), c.above.atWork.Load()
	h.begun = len(h.into) > 0
	h.trailers = trailers && (h.handler || c.scope.Supports(parley.ExtensionTrailers))
	return h, nil
}

// take takes a field, unless one was invalid.
func (h *head) take(name string, values []string) {
	canonical, ok := h.check.Take(name, values)
	switch {
	case !ok:
	case h.handler && name != "Set-Cookie" && name != "Vary":
		h.into[name] = values // framing included
	case canonical == "Set-Cookie", canonical == "Vary": // middleware above may have set some
		h.into[canonical] = append(h.into[canonical], values...)
	case canonical == "Transfer-Encoding": // the server's own business
	case canonical == "Trailer" && !h.trailers:
	default:
		h.into[canonical] = values
	}
}

// drop takes a field of a head that was refused out again: nothing of it goes out with
// the error that answers instead.
func (h *head) drop(name string) { delete(h.into, protocol.CanonicalName(name)) }

// start moves on to the body.
//
//parley:noescape
func (c *httpConn) start(h *head, boxed parley.Event, status int, announced bool) error {
	if err := c.out.order.StartWith(boxed, status, announced, &h.check); err != nil {
		return err
	}
	if c.r.ProtoMajor > 1 {
		h.dropConnection()
	}
	c.out.status, c.out.trailers = status, h.trailers
	if h.trailers {
		c.out.declared = tokens(h.into["Trailer"])
	} else if h.begun && !h.handler {
		delete(h.into, "Trailer")
	}
	return nil
}

// dropConnection takes out what speaks of a connection, which HTTP/2 forbids (RFC
// 9113, section 8.2.2). By a handler's "Connection: close" net/http ends the
// connection, and takes it out itself.
func (h *head) dropConnection() {
	for _, name := range []string{"Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade"} {
		delete(h.into, name)
	}
	if !h.handler {
		delete(h.into, "Connection")
	}
}

func tokens(lines []string) (list []string) {
	for _, line := range lines {
		for token := range strings.SplitSeq(line, ",") {
			list = append(list, protocol.CanonicalName(strings.TrimSpace(token)))
		}
	}
	return list
}
