package server

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/fallback"
)

// drainedApp is conversations of one kind. It serves one, says that it has begun, and
// waits for the end of its choice.
type drainedApp struct {
	begun, leave chan struct{}
	follows      bool // the end of its context, else leave
	finishes     bool // a socket is closed by the app before
}

func (a *drainedApp) wait(ctx context.Context) {
	close(a.begun)
	if a.follows {
		<-ctx.Done()
	} else {
		<-a.leave
	}
}

// drainedKinds are how a client begins each, and what the app does of it.
var drainedKinds = []struct {
	name  string
	app   func(a *drainedApp) parley.App
	begin func(t *testing.T, s *Server)
	count func(report *DrainReport) *nethttp.DrainCount
}{
	{
		"requests", func(a *drainedApp) parley.App {
			return httpOnly(func(ctx context.Context, _ parley.Conn) error {
				a.wait(ctx)
				return ctx.Err()
			})
		}, asks(http.Header{}), func(r *DrainReport) *nethttp.DrainCount { return &r.Requests },
	}, {
		"streams", func(a *drainedApp) parley.App {
			return httpOnly(func(ctx context.Context, conn parley.Conn) error {
				conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
				conn.Send(ctx, parley.HTTPResponseBody{More: true})
				a.wait(ctx)
				return conn.Send(context.WithoutCancel(ctx), parley.HTTPResponseBody{})
			})
		}, asks(http.Header{}), func(r *DrainReport) *nethttp.DrainCount { return &r.Streams },
	}, {
		"websockets", (*drainedApp).socket, func(t *testing.T, s *Server) {
			conn := dial(t, s)
			go func() {
				conn.ReadMessage()
				conn.Close()
			}()
		}, func(r *DrainReport) *nethttp.DrainCount { return &r.WebSockets },
	}, {
		"sessions", func(a *drainedApp) parley.App { return fallback.New(a.socket(), fallback.Options{}) },
		asks(http.Header{"Accept": {"text/event-stream"}}),
		func(r *DrainReport) *nethttp.DrainCount { return &r.Sessions },
	},
}

func (a *drainedApp) socket() parley.App {
	return parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		if a.finishes {
			ws.Close(ctx, parley.CloseNormal, "")
		}
		a.wait(ctx)
		return ctx.Err()
	})
}

func httpOnly(serve func(context.Context, parley.Conn) error) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if scope.Protocol != parley.HTTP {
			return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
		}
		return serve(ctx, conn)
	})
}

func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// asks is a client that asks once and reads to the end.
func asks(header http.Header) func(t *testing.T, s *Server) {
	return func(t *testing.T, s *Server) {
		request, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.Addr().String()+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header, request.Close = header, true
		go func() {
			answer, err := http.DefaultClient.Do(request)
			if err == nil {
				for err == nil {
					_, err = answer.Body.Read(make([]byte, 1000))
				}
				answer.Body.Close()
			}
		}()
	}
}

// TestDrainReport: each kind of conversation, ended each way, directly below the
// server's gateway and below another one that is mounted in a handler.
func TestDrainReport(t *testing.T) {
	none := nethttp.DrainCount{}
	for _, kind := range drainedKinds {
		for _, end := range []struct {
			name           string
			follows, stays bool
			want           nethttp.DrainCount
		}{
			{"finishes", false, false, nethttp.DrainCount{Finished: 1}},
			{"is closed", true, false, nethttp.DrainCount{Closed: 1}},
			{"is cut", false, true, nethttp.DrainCount{Cut: 1}},
		} {
			for _, below := range []string{"gateway", "handler"} {
				t.Run(kind.name+" "+end.name+" "+below, func(t *testing.T) {
					a := &drainedApp{
						make(chan struct{}), make(chan struct{}), end.follows, !end.follows && !end.stays,
					}
					options := quiet()
					options.Gateway.Logger = options.Logger
					app := kind.app(a)
					s := New(app, options)
					inner := s.gateway
					if below == "handler" {
						inner = nethttp.Handler(app, options.Gateway)
						s = New(nethttp.App(inner), options)
					}
					report := a.drain(t, s, app, inner, kind.begin)
					if got := *kind.count(&report); got != end.want {
						t.Errorf("%s %+v, want %+v", kind.name, got, end.want)
					}
					for _, other := range drainedKinds {
						carries := kind.name == "sessions" && other.name != "websockets"
						if got := *other.count(&report); other.name != kind.name && !carries && got != none {
							t.Errorf("%s: %+v", other.name, got)
						}
					}
				})
			}
		}
	}
}

// drain drains a server with one conversation of an inner gateway, whose app leaves in
// the middle of it, or stays for longer than the drain.
func (a *drainedApp) drain(
	t *testing.T, s *Server, app parley.App, inner *nethttp.Gateway, begin func(*testing.T, *Server),
) DrainReport {
	t.Helper()
	stays := !a.follows && !a.finishes
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	begin(t, s)
	<-a.begun
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		for !s.gateway.Stats().Draining || !inner.Stats().Draining {
			time.Sleep(time.Millisecond)
		}
		if stays {
			cancel()
		} else if a.finishes {
			a.finish(t, app)
		}
	}()
	report, err := s.Drain(ctx)
	if (err != nil) != stays || report.Cut != stays {
		t.Errorf("drain: %+v, %v", report, err)
	}
	if stays {
		close(a.leave)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	return report
}

// finish has the app leave.
func (a *drainedApp) finish(t *testing.T, app parley.App) {
	if sessions, ok := app.(*fallback.App); ok {
		sessions.Close(ended(t)) // as the drain does, sooner or later
	}
	close(a.leave)
}

// TestReportOfFollower: a handler of net/http hears of the end by its connection, which is
// when the time is up. It is cut then, however fast it returns.
func TestReportOfFollower(t *testing.T) {
	begun := make(chan struct{})
	options := quiet()
	options.Gateway.Logger = options.Logger
	s := New(nethttp.App(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	})), options)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	asks(http.Header{})(t, s)
	<-begun
	report, err := s.Drain(ended(t))
	if err == nil || !report.Cut || report.Requests != (nethttp.DrainCount{Cut: 1}) {
		t.Errorf("%+v, %v", report, err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
