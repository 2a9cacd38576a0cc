package fallback

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/sse"
)

// goodbye is how a client without a socket is told of the end.
type goodbye struct {
	Code   parley.CloseCode `json:"code"`
	Reason string           `json:"reason,omitempty"`
	Retry  int64            `json:"retry,omitempty"` // milliseconds to wait before coming back
}

// told is the goodbye as one client is told it: those that are sent away together do
// not come back together.
func (g *goodbye) told() *goodbye {
	told := *g
	told.Retry = sse.Retry(g.Code).Milliseconds()
	return &told
}

// event is the last event of a stream. It takes the client's Last-Event-ID back: an
// EventSource that reconnects by itself begins anew.
func (g *goodbye) event() []byte {
	told := g.told()
	data, _ := json.Marshal(told)
	retry := time.Duration(told.Retry) * time.Millisecond
	event := sse.Event{Name: "close", Data: string(data), Retry: retry}
	text, _ := event.AppendText([]byte("id:\n")) // the name is ours
	return text
}

// interrupted deals with the end of a request's context. A drain, or the end of the
// identity that the request has shown, ends the session, and the client is told so.
// Other requests may follow one that somebody above has had enough of. lost is set
// where nobody is there to be told anything.
func (s *session) interrupted(ctx context.Context) (lost error) {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, parley.ErrDraining):
		s.fail(parley.ErrDraining)
	case errors.Is(cause, parley.ErrAuthExpired):
		s.revoke(cause)
	case errors.Is(cause, parley.ErrDisconnected):
		return cause
	}
	return nil
}
