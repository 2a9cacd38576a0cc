package sse_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
	"github.com/parleygo/parley/sse"
)

var errTest = errors.New("test")

// HEAD tells the head of the stream and ends; the function is not called.
func TestHead(t *testing.T) {
	app := sse.Func(func(context.Context, *sse.Stream) error {
		t.Error("called")
		return nil
	}, sse.Options{})
	got := parleytest.Do(t, app, httptest.NewRequest("HEAD", "/", nil))
	if got.Status != 200 || got.Header.Get("Content-Type") != sse.ContentType || got.Err != nil {
		t.Errorf("%+v", got)
	}
	got = parleytest.Do(t, app, httptest.NewRequest("OPTIONS", "/", nil))
	if got.Status != 204 || got.Header.Get("Allow") != "OPTIONS, GET, HEAD, POST" {
		t.Errorf("%+v", got)
	}
	err := app.Serve(t.Context(), &parley.Scope{Protocol: parley.WebSocket}, nil)
	if !errors.As(err, new(*parley.UnsupportedProtocolError)) {
		t.Errorf("a socket: %v", err)
	}
}

// A POST is answered with a stream, once its body has been read.
func TestPost(t *testing.T) {
	app := sse.Func(func(ctx context.Context, stream *sse.Stream) error {
		return stream.Send(ctx, sse.Event{Data: "you said " + string(stream.Body())})
	}, sse.Options{MaxBody: 5})
	for body, want := range map[string]struct {
		status int
		body   string
	}{
		"hello":  {200, "data: you said hello\n\n"},
		"":       {200, "data: you said \n\n"},
		"hello!": {413, ""},
	} {
		got := parleytest.Do(t, app, httptest.NewRequest("POST", "/", strings.NewReader(body)))
		if got.Status != want.status || want.status == 200 && got.Body != want.body {
			t.Errorf("%q: %d %q", body, got.Status, got.Body)
		}
	}
}

// A client that is there when the stream is ended from outside hears why, and its
// answer is whole.
func TestGoodbye(t *testing.T) {
	for _, test := range []struct {
		name   string
		cause  error
		result func(ctx context.Context) error
		want   string // of what is read at the end
		whole  bool
		err    error
	}{
		{
			"drain", parley.ErrDraining, context.Cause,
			`^event: close\nretry: [12]\d\d\d\ndata: {"code":1012}\n\n$`, true, nil,
		},
		{"drain, politely", parley.ErrDraining, context.Context.Err, `"code":1012`, true, nil},
		{"drain, in peace", parley.ErrDraining, none, `"code":1012`, true, nil},
		{
			"logout", parley.ErrAuthExpired, context.Cause,
			`^event: close\ndata: {"code":4401}\n\n$`, true, nil,
		},
		{"failure in a drain", parley.ErrDraining, fails, `"code":1012`, true, errTest},
		{"end", nil, none, `^$`, true, nil},
		{"failure", nil, fails, `^$`, false, errTest},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				app := sse.Func(func(ctx context.Context, _ *sse.Stream) error {
					if test.cause != nil {
						<-ctx.Done()
					}
					return test.result(ctx)
				}, sse.Options{})
				x := parleytest.Start(t, ending(test.cause, app), httptest.NewRequest("GET", "/", nil))
				got := x.Response()
				if !regexp.MustCompile(test.want).MatchString(got.Body) || got.Truncated == test.whole {
					t.Errorf("read %q, truncated: %v", got.Body, got.Truncated)
				}
				if !errors.Is(got.Err, test.err) {
					t.Errorf("%v, want %v", got.Err, test.err)
				}
			})
		})
	}
}

func none(context.Context) error { return nil }

func fails(context.Context) error { return errTest }

// ending ends the context of what is below, after a while.
func ending(cause error, app parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		if cause != nil {
			defer time.AfterFunc(time.Second, func() { cancel(cause) }).Stop()
		}
		return app.Serve(ctx, scope, conn)
	})
}
