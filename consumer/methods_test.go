package consumer_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/parleytest"
)

func says(text string) parley.App {
	return parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		return parley.Respond(ctx, conn, 200, nil, []byte(text))
	})
}

// B3.2: class-based views.
func TestMethods(t *testing.T) {
	view := consumer.Methods{Get: says("got"), Post: says("posted")}
	headed := consumer.Methods{Get: says("got"), Head: says("headed"), Options: says("opted")}
	for _, test := range []struct {
		app    consumer.Methods
		method string
		status int
		body   string
		allow  string
	}{
		{view, "GET", 200, "got", ""},
		{view, "POST", 200, "posted", ""},
		{view, "HEAD", 200, "", ""},
		{view, "OPTIONS", 204, "", "OPTIONS, GET, HEAD, POST"},
		{view, "PUT", 405, "Method Not Allowed\n", "OPTIONS, GET, HEAD, POST"},
		{view, "BREW", 405, "Method Not Allowed\n", "OPTIONS, GET, HEAD, POST"},
		{headed, "HEAD", 200, "", ""},
		{headed, "OPTIONS", 200, "opted", ""},
		{consumer.Methods{}, "GET", 405, "Method Not Allowed\n", "OPTIONS"},
	} {
		got := parleytest.Do(t, test.app, httptest.NewRequest(test.method, "/", nil))
		if got.Status != test.status || got.Body != test.body || got.Header.Get("Allow") != test.allow || got.Err != nil {
			t.Errorf("%s: %d %q %q, %v", test.method, got.Status, got.Body, got.Header, got.Err)
		}
	}
	if err := view.Serve(t.Context(), &parley.Scope{Protocol: parley.WebSocket}, nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("websocket: %v", err)
	}
}

// B3.5: the stream of a view.
func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := make(chan consumer.StreamEvent)
		var cause error
		app := consumer.StreamFunc(func(ctx context.Context, stream *consumer.Stream) error {
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
		}, consumer.StreamOptions{Heartbeat: time.Minute})
		request := httptest.NewRequest("GET", "/", nil)
		request.Header.Set("Last-Event-ID", "41")
		x := parleytest.Start(t, app, request)
		header := x.Header()
		if header.Get("Content-Type") != "text/event-stream" || header.Get("X-Accel-Buffering") != "no" || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v", header)
		}
		next <- consumer.StreamEvent{ID: "42", Data: "x"}
		for _, want := range []string{": after 41\n\n", "id: 42\ndata: x\n\n", ": \n\n", ": \n\n"} {
			if got, ok := x.ReadWithin(2 * time.Minute); got != want || !ok {
				t.Errorf("read %q, want %q", got, want)
			}
		}
		x.Vanish()
		if err := x.Wait(); !errors.Is(err, parley.ErrDisconnected) || !errors.Is(cause, parley.ErrDisconnected) {
			t.Errorf("%v, %v", err, cause)
		}
	})
}

// B3.5: a stream that ends, and what may be sent.
func TestStreamEnds(t *testing.T) {
	var kept *consumer.Stream
	app := consumer.StreamFunc(func(ctx context.Context, stream *consumer.Stream) error {
		kept = stream
		if err := stream.Send(ctx, consumer.StreamEvent{ID: "a\nb"}); !errors.Is(err, consumer.ErrInvalidEvent) {
			t.Errorf("%v", err)
		}
		return stream.Send(ctx, consumer.StreamEvent{Data: "bye"})
	}, consumer.StreamOptions{Heartbeat: -1})
	got := parleytest.Do(t, app, httptest.NewRequest("GET", "/", nil))
	if got.Body != "data: bye\n\n" || got.Err != nil || got.Truncated {
		t.Errorf("%+v", got)
	}
	if err := kept.Send(t.Context(), consumer.StreamEvent{}); !errors.Is(err, parley.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	if got := parleytest.Do(t, app, httptest.NewRequest("POST", "/", nil)); got.Status != 405 {
		t.Errorf("%+v", got)
	}
}
