package nethttp_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// heedless is code that goes on until it is let go, whatever happens to its client.
type heedless struct{ leave chan struct{} }

//go:noinline
func (h heedless) stays() { <-h.leave }

func (h heedless) app(conversation func(context.Context, parley.Conn)) parley.App {
	return httpApp(func(ctx context.Context, conn parley.Conn) error {
		conversation(ctx, conn)
		h.stays()
		return nil
	})
}

func (h heedless) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { h.stays() })
}

// leakCases are conversations whose app does not end with them.
var leakCases = []struct {
	name, protocol string
	app            func(h heedless) parley.App
}{
	{"app", "http", func(h heedless) parley.App { return h.app(func(context.Context, parley.Conn) {}) }},
	{"stream", "http", func(h heedless) parley.App {
		return h.app(func(ctx context.Context, conn parley.Conn) {
			conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
			conn.Send(ctx, parley.HTTPResponseBody{More: true})
			ctx.Done()
		})
	}},
	{"handler", "http", func(h heedless) parley.App { return nethttp.App(h.handler()) }},
	{"handler below an app", "http", func(h heedless) parley.App { return decides(nethttp.App(h.handler())) }},
	{"app below middleware", "http", func(h heedless) parley.App {
		return nethttp.Middleware(decorates)(h.app(func(context.Context, parley.Conn) {}))
	}},
	{"socket", "websocket", func(h heedless) parley.App {
		return h.app(func(ctx context.Context, conn parley.Conn) {
			conn.Receive(ctx)
			conn.Send(ctx, parley.WebSocketAccept{})
		})
	}},
	{"handshake", "websocket", func(h heedless) parley.App { return h.app(func(context.Context, parley.Conn) {}) }},
	{"denial", "websocket", func(h heedless) parley.App {
		return h.app(func(ctx context.Context, conn parley.Conn) {
			conn.Send(ctx, parley.WebSocketDeny{Status: 403})
		})
	}},
	{"denial in parts", "websocket", func(h heedless) parley.App {
		return h.app(func(ctx context.Context, conn parley.Conn) {
			conn.Send(ctx, parley.WebSocketResponseStart{Status: 403})
			conn.Send(ctx, parley.WebSocketResponseBody{Body: []byte("no"), More: true})
		})
	}},
}

// lockedBuffer is a log that several goroutines write to.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// leaks are the lines about apps that go on.
func (b *lockedBuffer) leaks() (list []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for line := range strings.Lines(b.text.String()) {
		if strings.Contains(line, "outlives") {
			list = append(list, line)
		}
	}
	return list
}

// TestC5LeaksAreReported: once, with route, age and stack, after LeakAfter, or never.
func TestC5LeaksAreReported(t *testing.T) {
	for _, c := range leakCases {
		for _, mode := range []nethttp.Mode{nethttp.Detach, nethttp.Hold} {
			for after, want := range map[time.Duration]int{0: 1, time.Minute: 0, -1: 0} {
				t.Run(c.name+" "+after.String(), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						h := heedless{make(chan struct{})}
						var log lockedBuffer
						g := nethttp.Handler(c.app(h), nethttp.Options{
							Mode: mode, LeakAfter: after, Logger: slog.New(slog.NewTextHandler(&log, nil))})
						client := adaptertest.ServeInBubble(t, g).Dial()
						request := getting("/stuck?secret")
						if c.protocol == "websocket" {
							request = getting("/stuck?secret", upgrade...)
						}
						client.Say("%s", request)
						go io.Copy(io.Discard, client)
						synctest.Wait()
						client.Conn.Close()
						time.Sleep(40 * time.Second)
						list := log.leaks()
						if len(list) != want || g.Stats().Leaked != uint64(want) {
							t.Errorf("reported %d times: %q", g.Stats().Leaked, list)
						}
						for _, line := range list {
							for _, part := range []string{
								"protocol=" + c.protocol, "path=/stuck ", "age=", "cause=\"parley: ",
								"nethttp_test.heedless.stays(",
							} {
								if !strings.Contains(line, part) {
									t.Errorf("no %s in %s", part, line)
								}
							}
						}
						close(h.leave)
						synctest.Wait()
						if stats := g.Stats(); stats.Requests != 0 || stats.Live != 0 {
							t.Errorf("left: %+v", stats)
						}
					})
				})
			}
		}
	}
}

// TestC5WhoEndsIsNotReported: neither while the conversation goes on, for however long,
// nor when the app ends a little late.
func TestC5WhoEndsIsNotReported(t *testing.T) {
	for _, late := range []time.Duration{0, 4 * time.Second} {
		for _, protocol := range []string{"http", "websocket"} {
			t.Run(protocol+late.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var log lockedBuffer
					g := nethttp.Handler(httpApp(func(ctx context.Context, conn parley.Conn) error {
						if protocol == "websocket" {
							conn.Receive(ctx)
							conn.Send(ctx, parley.WebSocketAccept{})
						}
						<-ctx.Done()
						time.Sleep(late)
						return ctx.Err()
					}), nethttp.Options{
						Logger:    slog.New(slog.NewTextHandler(&log, nil)),
						WebSocket: parley.SocketOptions{PingInterval: -1},
					})
					client := adaptertest.ServeInBubble(t, g).Dial()
					request := getting("/")
					if protocol == "websocket" {
						request = getting("/", upgrade...)
					}
					client.Say("%s", request)
					go io.Copy(io.Discard, client)
					time.Sleep(time.Hour)
					client.Conn.Close()
					time.Sleep(time.Hour)
					if list := log.leaks(); len(list) != 0 || g.Stats().Leaked != 0 || g.Stats().Live != 0 {
						t.Errorf("%+v, %q", g.Stats(), list)
					}
				})
			})
		}
	}
}
