package sse_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
	"github.com/parleygo/parley/sse"
)

// B3.5: the stream of a view.
func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := make(chan sse.Event)
		var cause error
		app := sse.Func(func(ctx context.Context, stream *sse.Stream) error {
			if err := stream.Comment(ctx, "after "+stream.LastEventID()); err != nil {
				return err
			}
			for {
				select {
				case event := <-next:
					if err := stream.Send(ctx, event); err != nil {
						return err
					}
				case <-ctx.Done():
					cause = context.Cause(ctx)
					return cause
				}
			}
		}, sse.Options{Heartbeat: time.Minute})
		request := httptest.NewRequest("GET", "/", nil)
		request.Header.Set("Last-Event-ID", "41")
		x := parleytest.Start(t, app, request)
		header := x.Header()
		for name, want := range map[string]string{
			"Content-Type": "text/event-stream", "X-Accel-Buffering": "no", "Cache-Control": "no-store",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		next <- sse.Event{ID: "42", Data: "x"}
		for _, want := range []string{": after 41\n\n", "id: 42\ndata: x\n\n", ": \n\n", ": \n\n"} {
			if got, ok := x.ReadWithin(2 * time.Minute); got != want || !ok {
				t.Errorf("read %q, want %q", got, want)
			}
		}
		x.Vanish()
		gone := parley.ErrDisconnected
		if err := x.Wait(); !errors.Is(err, gone) || !errors.Is(cause, gone) {
			t.Errorf("%v, %v", err, cause)
		}
	})
}

// B3.5: a stream that ends, and what may be sent.
func TestStreamEnds(t *testing.T) {
	var kept *sse.Stream
	app := sse.Func(func(ctx context.Context, stream *sse.Stream) error {
		kept = stream
		if err := stream.Send(ctx, sse.Event{ID: "a\nb"}); !errors.Is(err, sse.ErrInvalidEvent) {
			t.Errorf("%v", err)
		}
		return stream.Send(ctx, sse.Event{Data: "bye"})
	}, sse.Options{Heartbeat: -1})
	got := parleytest.Do(t, app, httptest.NewRequest("GET", "/", nil))
	if got.Body != "data: bye\n\n" || got.Err != nil || got.Truncated {
		t.Errorf("%+v", got)
	}
	if err := kept.Send(t.Context(), sse.Event{}); !errors.Is(err, parley.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	if got := parleytest.Do(t, app, httptest.NewRequest("PUT", "/", nil)); got.Status != 405 {
		t.Errorf("%+v", got)
	}
}
