package auth

import (
	"context"
	"errors"
	"net/http"

	"github.com/alexedwards/scs/v2"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/logged"
	"github.com/parleygo/parley/internal/protocol"
)

// failed deals with an app that has returned err. The server would answer for it above
// the conn that saves the session, so that nothing which was changed, such as a count of
// attempts, would be kept: where there is anything to save, and the client is to blame,
// the answer is given here.
func (c *sessionConn) failed(ctx context.Context, scope *parley.Scope, err error) error {
	status := protocol.Status(err)
	unsaved := !c.session.isAnswered() && c.session.manager.Status(c.ctx) != scs.Unmodified
	switch {
	case err == nil, status >= http.StatusInternalServerError, !unsaved, ctx.Err() != nil:
		return err
	case scope.Nested() && errors.Is(err, parley.ErrNotFound):
		return err // the router above goes on
	case errors.As(err, new(*parley.UnsupportedProtocolError)):
		return err
	}
	header := http.Header{
		"Content-Type":           {"text/plain; charset=utf-8"},
		"X-Content-Type-Options": {"nosniff"},
	}
	body := []byte(http.StatusText(status) + "\n")
	if failure := parley.Answer(ctx, scope, c, status, header, body); failure != nil {
		return errors.Join(err, failure)
	}
	return logged.Mark(err) // the server is not to say that it came too late
}
