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
	ctx context.Context, status int, fields *parley.Fields, body []byte,
) error {
	c.touched = true
	if err := c.sendable(ctx, nil); err != nil {
		return err
	}
	if c.ctx.armed.Load() != nil { // so it is listed
		c.facts.noteRoute(c.r)
	}
	if c.mustSayLength(status, fields) {
		fields.Set("Content-Length", strconv.Itoa(len(body)))
	}
	err := c.sendFields(status, fields)
	if err == nil {
		err = c.sendBody(parley.HTTPResponseBody{Body: body}, endOfWhole)
	}
	c.checkComplete()
	return err
}

// Events that stand for the parts of an answer which came without any, where an order is
// broken.
var (
	startOfWhole parley.Event = parley.HTTPResponseStart{}
	endOfWhole   parley.Event = parley.HTTPResponseBody{}
)

// mustSayLength reports whether the header has to have the body's length: where it says
// another one, and where writeHead cannot tell or does not.
//
//parley:noescape
func (c *httpConn) mustSayLength(status int, fields *parley.Fields) bool {
	if status == http.StatusNoContent || status == http.StatusNotModified {
		return false
	}
	return c.r.Method == http.MethodHead || c.above.atWork.Load() || fields.Has("Content-Length")
}
