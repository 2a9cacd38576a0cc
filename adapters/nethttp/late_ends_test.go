package nethttp_test

import (
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
	"github.com/parleygo/parley/internal/testlog"
)

// passing wraps a conn as middleware does that leaves messages alone.
func passing(next parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return next.Serve(ctx, scope, passingConn{conn})
	})
}

type passingConn struct{ parley.Conn }

func (c passingConn) Unwrap() parley.Conn { return c.Conn }

// flooding sends until that fails, whatever its context says.
func flooding(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
	free := context.WithoutCancel(ctx)
	err := conn.Send(free, parley.HTTPResponseStart{Status: 200})
	for err == nil {
		err = conn.Send(free, parley.HTTPResponseBody{Body: make([]byte, 64<<10), More: true})
	}
	return err
}

// TestEndsReachWhoWaitsForTheClient: an answer whose client takes nothing is over a
// moment after its conversation was ended, whatever is between the app and the server,
// and nobody calls that a failure.
func TestEndsReachWhoWaitsForTheClient(t *testing.T) {
	writing := nethttp.App(serve(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}))
	whole := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		return parley.Respond(context.WithoutCancel(ctx), conn, 200, nil, make([]byte, 1<<20))
	})
	for name, app := range map[string]parley.App{
		"an app":                parley.AppFunc(flooding),
		"an app with one part":  whole,
		"a handler":             writing,
		"a handler over events": passing(writing),
		"a wrapped app":         passing(parley.AppFunc(flooding)),
	} {
		for where, above := range map[string]parley.Middleware{
			"on the conn": endsAfter(parley.ErrAuthExpired),
			"on another": func(next parley.App) parley.App {
				return passing(endsAfter(parley.ErrAuthExpired)(next))
			},
			"on one of several": func(next parley.App) parley.App {
				return passing(endsAfter(parley.ErrAuthExpired)(passing(passing(next))))
			},
		} {
			t.Run(name+" ended "+where, func(t *testing.T) { floodEnds(t, above(app)) })
		}
	}
}

func floodEnds(t *testing.T, app parley.App) {
	synctest.Test(t, func(t *testing.T) {
		var lines testlog.Lines
		returned := make(chan struct{})
		g := nethttp.Handler(parley.AppFunc(func(
			ctx context.Context, scope *parley.Scope, conn parley.Conn,
		) error {
			defer close(returned)
			return app.Serve(ctx, scope, conn)
		}), nethttp.Options{Logger: lines.Logger(), WriteTimeout: -1})
		begun := time.Now()
		client := adaptertest.ServeInBubble(t, g).Dial()
		client.Say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		<-returned
		if took := time.Since(begun); took > 3*time.Second { // of the bubble's clock
			t.Errorf("it took %v", took)
		}
		client.Rest()
		synctest.Wait()
		if lines.Len() != 0 || g.Stats().Requests != 0 {
			t.Errorf("%d requests, the log says %s", g.Stats().Requests, &lines)
		}
	})
}

// TestHandlerReadsNoLonger: a handler that reads its request hears of the end, a moment
// later, though the client sends on or sends nothing.
func TestHandlerReadsNoLonger(t *testing.T) {
	reading := endsAfter(parley.ErrAuthExpired)(nethttp.App(serve(
		func(w http.ResponseWriter, r *http.Request) { io.ReadAll(r.Body) })))
	uploadEnds(t, gateway(reading), nil, "401")
	late := func(next parley.App) parley.App {
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			time.Sleep(3 * time.Second / 2) // middleware that takes its time
			return next.Serve(ctx, scope, conn)
		})
	}
	readsLate := endsAfter(parley.ErrAuthExpired)(late(nethttp.App(serve(
		func(_ http.ResponseWriter, r *http.Request) { io.ReadAll(r.Body) }))))
	uploadEnds(t, gateway(readsLate), nil, "401")
	t.Run("and sends on", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client := adaptertest.ServeInBubble(t, gateway(reading)).Dial()
			client.Say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
			var sends sync.WaitGroup
			defer sends.Wait()
			sends.Go(func() {
				for range 20 {
					time.Sleep(time.Second / 4)
					client.Say("abcd")
				}
			})
			if head := client.RawHead(); !strings.HasPrefix(head, "HTTP/1.1 401") {
				t.Errorf("%q", head)
			}
			client.Rest()
		})
	})
}

// TestHijackedEndsInSilence: the connection that a handler has taken is its own, however
// late it returns, and net/http has nothing to complain of.
func TestHijackedEndsInSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines testlog.Lines
		handler := nethttp.App(serve(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			time.Sleep(5 * time.Second)
			conn.SetDeadline(time.Time{})
			io.WriteString(conn, "bye")
		}))
		app := endsAfter(parley.ErrAuthExpired)(handler)
		g := nethttp.Handler(app, nethttp.Options{Logger: lines.Logger()})
		noisy := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			server := r.Context().Value(http.ServerContextKey).(*http.Server)
			server.ErrorLog = slog.NewLogLogger(lines.Logger().Handler(), slog.LevelError)
			g.ServeHTTP(w, r)
		})
		client := adaptertest.ServeInBubble(t, noisy).Dial()
		client.Say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if got := client.Rest(); got != "bye" {
			t.Errorf("%q", got)
		}
		synctest.Wait()
		if lines.Len() != 0 {
			t.Errorf("the log says %s", &lines)
		}
	})
}

// TestHandlerAnswersTooLate: what a handler writes when its second is over does not go
// out, however little it is; and what follows on the connection is as it should be.
func TestHandlerAnswersTooLate(t *testing.T) {
	for _, test := range []struct {
		name  string
		takes time.Duration
		early string // is flushed before
		late  string
		get   string // what comes, of the body
		open  bool   // the connection serves another request
	}{
		{"in time", 1500 * time.Millisecond, "", "late", "late", true},
		{"in time, in parts", 1500 * time.Millisecond, "early", "late", "earlylate", true},
		{"too late", 5 * time.Second, "", "late", "", false},
		{"too late, in parts", 5 * time.Second, "early", "late", "early", false},
		{"too late to say more", 5 * time.Second, "early", "", "early", true},
	} {
		for _, body := range []string{"", "abc"} {
			t.Run(test.name+body, func(t *testing.T) {
				handler := nethttp.App(serve(func(w http.ResponseWriter, r *http.Request) {
					io.ReadAll(r.Body)
					if test.early != "" {
						io.WriteString(w, test.early)
						w.(http.Flusher).Flush()
					}
					time.Sleep(test.takes)
					io.WriteString(w, test.late)
				}))
				synctest.Test(t, func(t *testing.T) {
					app := endsAfter(parley.ErrAuthExpired)(handler)
					client := adaptertest.ServeInBubble(t, gateway(app)).Dial()
					client.Say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
					if test.open && (body == "" || test.takes < 2*time.Second) {
						if got := client.Response("POST"); got.Body != test.get {
							t.Errorf("%+v", got)
						}
						client.Say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
						if got := client.Response("GET"); got.Body != test.get {
							t.Errorf("on the same connection: %+v", got)
						}
						return
					}
					rest := client.Rest()
					if strings.Contains(rest, "late") || !strings.Contains(rest, test.get) {
						t.Errorf("%q", rest)
					}
				})
			})
		}
	}
}

// TestSilentTooLong: what follows on a connection on which a handler has let its second
// pass without a word finds its client there.
func TestSilentTooLong(t *testing.T) {
	for _, body := range []string{"", "abc"} {
		synctest.Test(t, func(t *testing.T) {
			handler := nethttp.App(serve(func(_ http.ResponseWriter, r *http.Request) {
				if r.Context().Err() != nil {
					t.Error("a client that has asked is gone")
				}
				io.ReadAll(r.Body)
				time.Sleep(5 * time.Second)
			}))
			app := endsAfter(parley.ErrAuthExpired)(handler)
			client := adaptertest.ServeInBubble(t, gateway(app)).Dial()
			client.Say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			got := client.Response("POST")
			if got.Status != 401 || got.Cut {
				t.Errorf("%+v", got)
			}
			if !got.Close {
				client.Say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				if got = client.Response("GET"); got.Status != 401 {
					t.Errorf("on the same connection: %+v", got)
				}
			}
		})
	}
}
