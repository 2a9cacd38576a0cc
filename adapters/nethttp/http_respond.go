package nethttp

import (
	"context"
	"net/http"
	"strconv"

	"github.com/parleygo/parley"
)

// respond answers whole, as parley.Respond does by two events. Those are not made here,
// and what the body's length is writeHead can tell by itself.
//
//parley:noescape
func (c *httpConn) respond(
	ctx context.Context, status int, header http.Header, body []byte,
) error {
	c.touched = true
	if err := c.sendable(ctx, nil); err != nil {
		return err
	}
	if c.ctx.armed.Load() != nil { // so it is listed
		c.facts.noteRoute(c.r)
	}
	if c.mustSayLength(status, header) {
		header = withLength(header, len(body))
	}
	err := c.sendStart(parley.HTTPResponseStart{Status: status, Header: header})
	if err == nil {
		err = c.sendBody(parley.HTTPResponseBody{Body: body}, lastOfBody)
	}
	c.checkComplete()
	return err
}

// lastOfBody stands for a body that came without an event, where an order is broken.
var lastOfBody parley.Event = parley.HTTPResponseBody{}

// mustSayLength reports whether the header has to have the body's length: where it says
// another one, and where writeHead cannot tell or does not.
func (c *httpConn) mustSayLength(status int, header http.Header) bool {
	if status == http.StatusNoContent || status == http.StatusNotModified {
		return false
	}
	return len(header["Content-Length"]) > 0 || c.r.Method == http.MethodHead ||
		c.above.atWork.Load()
}

func withLength(header http.Header, length int) http.Header {
	if header == nil {
		header = make(http.Header, 1)
	}
	header["Content-Length"] = []string{strconv.Itoa(length)}
	return header
}
