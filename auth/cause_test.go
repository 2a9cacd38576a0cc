package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

// told is all that one conversation was told of its end.
type told struct {
	mu      sync.Mutex
	event   parley.WebSocketDisconnect
	again   parley.WebSocketDisconnect
	context error
	log     error
	code    parley.CloseCode
}

// app waits for its end, by its context or in Receive, and takes down what it is
// told.
func (w *told) app(byContext bool) parley.App {
	return parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		conn.Receive(ctx)
		conn.Send(ctx, parley.WebSocketAccept{})
		if byContext {
			<-ctx.Done()
		}
		free := context.WithoutCancel(ctx)
		for w.event.Cause == nil {
			event, err := conn.Receive(free)
			if err != nil {
				return err
			}
			w.event, _ = event.(parley.WebSocketDisconnect)
		}
		again, _ := conn.Receive(free)
		w.again, _ = again.(parley.WebSocketDisconnect)
		w.context = context.Cause(ctx)
		return parley.ErrDisconnected // as apps do
	})
}

func (w *told) record(_ context.Context, a *middleware.Access) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log, w.code = a.Cause, a.Code
}

// check wants every place to tell the same.
func (w *told) check(t *testing.T, want error) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for place, cause := range map[string]error{
		"event": w.event.Cause, "event, again": w.again.Cause, "context": w.context, "log": w.log,
	} {
		if !errors.Is(cause, want) {
			t.Errorf("the %s tells %v, want %v", place, cause, want)
		}
	}
	if want := parley.CodeOf(want); w.event.Code != want || w.code != want {
		t.Errorf("codes %d in the event, %d in the log, want %d", w.event.Code, w.code, want)
	}
}

// causes are the ends that this package brings, and what does it.
var causes = []struct {
	name string
	end  func(t *testing.T, revocations auth.Revocations, layer *channel.Layer)
	want error
}{
	{"expiry", nil, parley.ErrAuthExpired},
	{"revocation", func(t *testing.T, r auth.Revocations, _ *channel.Layer) {
		if err := auth.RevokeUser(t.Context(), r, "ann"); err != nil {
			t.Error(err)
		}
	}, parley.ErrAuthExpired},
	{"layer closed", func(t *testing.T, _ auth.Revocations, layer *channel.Layer) {
		layer.Close(t.Context())
	}, parley.ErrDraining},
}

const rounds = 1000

// Every place tells one cause, whatever the app waits for.
func TestOneCauseEverywhere(t *testing.T) {
	for _, test := range causes {
		for _, byContext := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, by context %v", test.name, byContext), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					for range rounds {
						w, layer := new(told), channel.New(channel.Options{})
						revocations := auth.NewChannelRevocations(layer)
						log := middleware.AccessLog(middleware.AccessLogOptions{Record: w.record})
						app := parley.Chain(w.app(byContext), log, revocable(revocations))
						ws := parleytest.Dial(t, app, as(t, "ann", 20*time.Second))
						ws.Accept()
						if test.end != nil {
							test.end(t, revocations, layer)
						}
						if code, _ := ws.Closed(); code != parley.CodeOf(test.want) {
							t.Errorf("the client is told %d", code)
						}
						ws.Wait()
						w.check(t, test.want)
						layer.Close(t.Context())
					}
				})
			})
		}
	}
}

// The same over the network, where the conn is not wrapped, and the client may be
// leaving at this very moment: then that is what everybody is told.
func TestOneCauseOverTheNetwork(t *testing.T) {
	layer := channel.New(channel.Options{})
	defer layer.Close(t.Context())
	revocations := auth.NewChannelRevocations(layer)
	for _, leaves := range []bool{false, true} {
		for _, byContext := range []bool{false, true} {
			t.Run(fmt.Sprintf("client leaves %v, by context %v", leaves, byContext), func(t *testing.T) {
				var w *told
				app := revocable(revocations)(parley.AppFunc(
					func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
						return w.app(byContext).Serve(ctx, scope, conn)
					}))
				served := make(chan struct{})
				gateway := nethttp.Handler(parley.AppFunc(
					func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
						defer func() { served <- struct{}{} }()
						err := app.Serve(ctx, scope, conn)
						w.log, w.code = err, parley.CodeOf(err)
						return err
					}))
				server := httptest.NewServer(gateway)
				defer server.Close()
				header := http.Header{"Authorization": {"Bearer " + tokenFor(t, "ann", time.Hour)}}
				for range rounds / 4 {
					w = new(told)
					ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), header)
					if err != nil {
						t.Fatal(err)
					}
					if leaves {
						bye := websocket.FormatCloseMessage(4000, "")
						go ws.WriteControl(websocket.CloseMessage, bye, time.Time{})
					}
					if err := auth.RevokeUser(t.Context(), revocations, "ann"); err != nil {
						t.Fatal(err)
					}
					ws.ReadMessage()
					<-served
					ws.Close()
					w.checkAgrees(t, leaves)
				}
				gateway.Drain(t.Context())
			})
		}
	}
}

// checkAgrees is check where two ends may have come first.
func (w *told) checkAgrees(t *testing.T, leaves bool) {
	t.Helper()
	if !leaves || errors.Is(w.event.Cause, parley.ErrAuthExpired) {
		w.check(t, parley.ErrAuthExpired)
		return
	}
	if w.event.Code != 4000 || w.event.Cause != w.context || w.again != w.event {
		t.Errorf("event %v, again %v, context %v", w.event, w.again, w.context)
	}
}
