package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/alexedwards/scs/v2"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/logged"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/middleware"
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
	if failure := c.blame(ctx, scope, status, err); failure != nil {
		// It is what is answered now: wrapped beside it, the app's error might go before it.
		return fmt.Errorf("%w (for an app that returned %s)", failure, err.Error())
	}
	return logged.Mark(err) // the server is not to say that it came too late
}

// blame answers in the place of an app that has returned err.
func (c *sessionConn) blame(
	ctx context.Context, scope *parley.Scope, status int, err error,
) error {
	var refusal *middleware.Refusal
	if errors.As(err, &refusal) { // which has more to say than its status
		return middleware.Refuse(ctx, scope, c, nil, refusal)
	}
	header := http.Header{
		"Content-Type":           {"text/plain; charset=utf-8"},
		"X-Content-Type-Options": {"nosniff"},
	}
	body := []byte(http.StatusText(status) + "\n")
	return parley.Answer(ctx, scope, c, status, header, body)
}
