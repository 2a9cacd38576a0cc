package nethttp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/census"
	"github.com/parleygo/parley/internal/ending"
)

// TestKeptConnsAreOver: what is kept of a conn tells that its conversation is over, for
// ever, and how.
func TestKeptConnsAreOver(t *testing.T) {
	for name, app := range map[string]parley.App{
		"events":  answerOnly,
		"handler": nethttp.App(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})),
		"error": parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error {
			return parley.ErrNotFound
		}),
		"waited": parley.AppFunc(func(
			ctx context.Context, scope *parley.Scope, conn parley.Conn,
		) error {
			ctx.Done()
			return answerOnly.Serve(ctx, scope, conn)
		}),
	} {
		var kept parley.Conn
		g := gateway(parley.AppFunc(func(
			ctx context.Context, scope *parley.Scope, conn parley.Conn,
		) error {
			kept = conn
			return app.Serve(ctx, scope, conn)
		}))
		for range 2 {
			g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			event, err := kept.Receive(t.Context())
			if event != (parley.HTTPDisconnect{Cause: parley.ErrFinished}) || err != nil {
				t.Errorf("%s: received %#v, %v", name, event, err)
			}
			for _, event := range []parley.Event{
				parley.HTTPResponseStart{Status: 200}, parley.HTTPResponseBody{}} {
				if err := kept.Send(t.Context(), event); !errors.Is(err, parley.ErrDisconnected) {
					t.Errorf("%s: sent %T: %v", name, event, err)
				}
			}
			kept.(ending.Ender).End(parley.ErrKicked)
			if census.BadgeOf(kept) != nil {
				t.Errorf("%s: wears the badge of another", name)
			}
		}
	}
}

// TestKeptConnsDisturbNobody: who goes on to use a conn after its conversation meets no
// other request.
func TestKeptConnsDisturbNobody(t *testing.T) {
	conns := make(chan parley.Conn, 8)
	g := gateway(parley.AppFunc(func(
		ctx context.Context, scope *parley.Scope, conn parley.Conn,
	) error {
		if _, err := conn.Receive(ctx); err != nil {
			return err
		}
		body := []byte(scope.Request.URL.Path)
		err := parley.Respond(ctx, conn, http.StatusOK, nil, body)
		select {
		case conns <- conn:
		default:
		}
		return err
	}))
	over := make(chan struct{})
	var strangers, clients sync.WaitGroup
	for range 4 {
		strangers.Go(func() {
			for {
				select {
				case <-over:
					return
				case conn := <-conns:
					for range 20 {
						conn.Receive(t.Context())
						conn.Send(t.Context(), parley.HTTPResponseStart{Status: http.StatusTeapot})
						conn.Send(t.Context(), parley.HTTPResponseBody{Body: []byte("stray")})
						conn.(ending.Ender).End(parley.ErrKicked)
						runtime.Gosched()
					}
				}
			}
		})
	}
	for client := range 4 {
		clients.Go(func() {
			for i := range 500 {
				path := fmt.Sprint("/", client, "/", i)
				w := httptest.NewRecorder()
				g.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
				if w.Code != http.StatusOK || w.Body.String() != path {
					t.Errorf("%s: %d %q", path, w.Code, w.Body)
				}
			}
		})
	}
	clients.Wait()
	close(over)
	strangers.Wait()
}

// TestConnsOfBrokenHandlers: a handler that panicked, below an app that answers all the
// same, is counted once, and not again with each request that comes after it.
func TestConnsOfBrokenHandlers(t *testing.T) {
	broken := nethttp.App(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic("broken")
	}))
	g := gateway(parley.AppFunc(func(
		ctx context.Context, scope *parley.Scope, conn parley.Conn,
	) error {
		if scope.Request.URL.Path == "/broken" {
			func() {
				defer func() { recover() }()
				broken.Serve(ctx, scope, conn)
			}()
		}
		return answerOnly.Serve(ctx, scope, conn)
	}))
	for _, path := range []string{"/broken", "/", "/", "/", "/"} {
		g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	if got := g.Stats().Panics; got != 1 {
		t.Errorf("%d panics, want 1", got)
	}
}
