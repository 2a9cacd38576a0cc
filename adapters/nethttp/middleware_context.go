package nethttp

import (
	"context"
	"errors"
)

// outliving returns the context of a socket whose handshake came through middleware:
// it has the values of the request's, and ends with that or with the conversation. A
// deadline that middleware gives a request is not for the socket that comes of it.
func outliving(conversation, request context.Context) (context.Context, context.CancelFunc) {
	deadline, bounded := request.Deadline()
	if outer, ok := conversation.Deadline(); !bounded || ok && !deadline.Before(outer) {
		return request, func() {}
	}
	ctx, end := context.WithCancelCause(context.WithoutCancel(request))
	stopConversation := context.AfterFunc(conversation, func() { end(context.Cause(conversation)) })
	stopRequest := context.AfterFunc(request, func() {
		if !errors.Is(request.Err(), context.DeadlineExceeded) {
			end(context.Cause(request))
		}
	})
	return ctx, func() {
		stopConversation()
		stopRequest()
		end(nil)
	}
}
