package auth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/leak"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

func TestMain(m *testing.M) { leak.Main(m) }

var errInner = errors.New("inner failed")

// inner is the app below: it accepts sockets and answers requests, and knows how
// often it ran.
type inner struct{ ran atomic.Int64 }

func (i *inner) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	i.ran.Add(1)
	switch scope.Protocol {
	case parley.HTTP:
		return parley.Respond(ctx, conn, http.StatusOK, nil, []byte("inner"))
	case parley.WebSocket:
		return open.Serve(ctx, scope, conn)
	}
	return nil
}

// open accepts a socket and holds it until its end.
var open = parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
	if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
		return err
	}
	_, err := ws.Read(ctx)
	return err
})

// get makes a request with headers given as name, value, name, value.
func get(target string, headers ...string) *http.Request {
	return request("GET", target, headers...)
}

func request(method, target string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// wantRefusal wants err to be a refusal.
func wantRefusal(t *testing.T, err error) {
	t.Helper()
	var refusal *middleware.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("%v is no *Refusal", err)
	}
}

// refusedBoth has an app serve a request and a handshake, and wants both to get
// status, without a word from the app.
func refusedBoth(t *testing.T, wrap parley.Middleware, status int, r *http.Request) {
	t.Helper()
	app := new(inner)
	if got := parleytest.Do(t, wrap(app), r).Status; got != status {
		t.Errorf("HTTP: status %d, want %d", got, status)
	}
	if denial := parleytest.Dial(t, wrap(app), r).Denial(); denial.Status != status {
		t.Errorf("WebSocket: status %d, want %d", denial.Status, status)
	}
	if n := app.ran.Load(); n != 0 {
		t.Errorf("the app ran %d times", n)
	}
}

// recorder is a log that can be searched.
func recorder() (*slog.Logger, *bytes.Buffer) {
	var log bytes.Buffer
	return slog.New(slog.NewTextHandler(&log, nil)), &log
}

// passesOthers checks that protocols without a request go through untouched.
func passesOthers(t *testing.T, wrap parley.Middleware) {
	t.Helper()
	for _, protocol := range []parley.Protocol{parley.Lifespan, parley.Channel, "other"} {
		scope := &parley.Scope{Protocol: protocol}
		var got *parley.Scope
		app := parley.AppFunc(func(_ context.Context, scope *parley.Scope, conn parley.Conn) error {
			got = scope
			if conn != nil {
				t.Errorf("%s: conn was wrapped", protocol)
			}
			return errInner
		})
		if err := wrap(app).Serve(t.Context(), scope, nil); err != errInner || got != scope {
			t.Errorf("%s: did not pass: %v", protocol, err)
		}
	}
}
