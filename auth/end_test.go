package auth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/parleytest"
	"github.com/parleygo/parley/sse"
)

// stream is an app that sends a part each second for 20 seconds, whatever happens,
// and tells what it was told.
type stream struct {
	ask   bool // who the user is
	cause error
	sent  error
}

func (s *stream) Serve(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
	if s.ask {
		if _, err := auth.IdentityFrom(ctx); err != nil {
			return err
		}
	}
	conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
	free := context.WithoutCancel(ctx)
	for range 20 {
		s.sent = conn.Send(free, parley.HTTPResponseBody{Body: []byte("x"), More: true})
		if s.sent != nil {
			break
		}
		time.Sleep(time.Second)
	}
	s.cause = context.Cause(ctx)
	return conn.Send(free, parley.HTTPResponseBody{})
}

// ServeHTTP is the same for a handler that net/http serves natively. Its parts are
// large, since a writer of scs's swallows the errors of Flush.
func (s *stream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := auth.IdentityFrom(r.Context()); err != nil && s.ask {
		http.Error(w, "who?", 401)
		return
	}
	for range 20 {
		if _, s.sent = w.Write(make([]byte, 8<<10)); s.sent != nil {
			break
		}
		http.NewResponseController(w).Flush()
		time.Sleep(time.Second)
	}
	s.cause = context.Cause(r.Context())
}

// endings are the ways in which an identity ends, each at ten seconds.
var endings = map[string]func(t *testing.T, s *site, cookie string){
	"logout": func(t *testing.T, s *site, cookie string) {
		if _, err := s.act(t, cookie, s.sessions.Logout); err != nil {
			t.Error(err)
		}
	},
	"revocation": func(t *testing.T, s *site, _ string) {
		if err := auth.RevokeUser(t.Context(), s.options.Revocations, "ann"); err != nil {
			t.Error(err)
		}
	},
	"another login": func(t *testing.T, s *site, cookie string) { s.login(t, cookie, "bob") },
	"expiry":        func(*testing.T, *site, string) {},
}

// inBubble runs f with a site whose logins last for ten seconds, if the ending is
// expiry, or an hour.
func inBubble(t *testing.T, ending string, f func(t *testing.T, s *site, cookie string)) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		s.manager.Lifetime = time.Hour
		if ending == "expiry" {
			s.manager.Lifetime = 10 * time.Second
		}
		layer := channel.New(channel.Options{})
		defer layer.Close(t.Context())
		s.options.Revocations = auth.NewChannelRevocations(layer)
		f(t, s, s.login(t, "", "ann"))
	})
}

// Whatever the client says that it accepts, no answer outlives its login.
func TestAnswersEndWithTheirLogin(t *testing.T) {
	accepts := []string{"", "*/*", "text/event-stream", "Text/Event-Stream, */*;q=0.1", "text/html"}
	for ending, end := range endings {
		for _, accept := range accepts {
			t.Run(ending+" "+accept, func(t *testing.T) {
				inBubble(t, ending, func(t *testing.T, s *site, cookie string) {
					start := time.Now()
					app := &stream{ask: true}
					x := parleytest.Start(t, s.app(app), get("/", "Cookie", cookie, "Accept", accept))
					x.Status()
					time.Sleep(10*time.Second - time.Since(start))
					end(t, s, cookie)
					got := x.Response()
					if took := time.Since(start); took > 12*time.Second || got.Truncated {
						t.Errorf("ended after %v, truncated %v", took, got.Truncated)
					}
					if app.cause != parley.ErrAuthExpired || !errors.Is(app.sent, parley.ErrDisconnected) {
						t.Errorf("the app was told %v, by Send %v", app.cause, app.sent)
					}
				})
			})
		}
	}
}

func ginApp(flow *stream) parley.App {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/", gin.WrapH(flow))
	return parleygin.App(engine)
}

// The same over a server: in events, and written natively, to net/http and to gin.
func TestServersAnswersEndWithTheirLogin(t *testing.T) {
	for ending, end := range endings {
		for kind, make := range map[string]func(flow *stream) parley.App{
			"events": func(flow *stream) parley.App { return flow },
			"native": func(flow *stream) parley.App { return nethttp.App(flow) },
			"gin":    ginApp,
		} {
			t.Run(fmt.Sprintf("%s, %s", ending, kind), func(t *testing.T) {
				inBubble(t, ending, func(t *testing.T, s *site, cookie string) {
					start := time.Now()
					flow := &stream{ask: true}
					app := make(flow)
					app = parley.Chain(app, nethttp.Middleware(s.manager.LoadAndSave),
						auth.LoadAndSave(s.manager), auth.Middleware(s.options))
					client := served(t, nethttp.Handler(app))
					time.AfterFunc(10*time.Second, func() { end(t, s, cookie) })
					r, _ := http.NewRequest("GET", "http://shop.example/", nil)
					r.Header.Set("Cookie", cookie)
					response, err := client.Do(r)
					if err != nil {
						t.Fatal(err)
					}
					defer response.Body.Close()
					body, err := io.ReadAll(response.Body)
					if took := time.Since(start); took > 13*time.Second || len(body) < 9 {
						t.Errorf("%d bytes, %v, ended after %v", len(body), err, took)
					}
					synctest.Wait()
					if flow.cause != parley.ErrAuthExpired || flow.sent == nil {
						t.Errorf("the app was told %v, by Send %v", flow.cause, flow.sent)
					}
				})
			})
		}
	}
}

// A stream of events has the time to say why it ends, on every transport.
func TestStreamsSayGoodbye(t *testing.T) {
	for _, live := range []bool{false, true} {
		t.Run(fmt.Sprint("live ", live), func(t *testing.T) {
			inBubble(t, "expiry", func(t *testing.T, s *site, cookie string) {
				app := s.app(sse.Func(func(ctx context.Context, stream *sse.Stream) error {
					if _, err := auth.IdentityFrom(ctx); err != nil {
						return err
					}
					<-ctx.Done()
					return ctx.Err()
				}, sse.Options{}))
				r := get("http://shop.example/", "Cookie", cookie)
				var body string
				if live {
					r.RequestURI = ""
					response, err := served(t, nethttp.Handler(app)).Do(r)
					if err != nil {
						t.Fatal(err)
					}
					all, err := io.ReadAll(response.Body)
					if body = string(all); err != nil {
						t.Error(err)
					}
					response.Body.Close()
				} else {
					got := parleytest.Do(t, app, r)
					if body = got.Body; got.Truncated {
						t.Error("it was cut")
					}
				}
				if want := "event: close\ndata: {\"code\":4401}\n\n"; body != want {
					t.Errorf("%q, want %q", body, want)
				}
			})
		})
	}
}

// What ends in the first second, which nobody watches, is noticed when it is over;
// and where it cannot be watched any longer, an answer ends as well.
func TestTheFirstSecond(t *testing.T) {
	for name, test := range map[string]struct {
		revocations auth.Revocations
		cause       error
	}{
		"revoked":         {quiet{}, parley.ErrAuthExpired},
		"the broker down": {silent{watch: errInner}, auth.ErrUnavailable},
		// On a goroutine of nobody's, of which the program must not die.
		"it panics":       {watching{quiet{}, func() { panic(errInner) }, nil}, parley.ErrAppPanic},
		"it exits":        {watching{quiet{}, runtime.Goexit, nil}, parley.ErrGoexit},
		"it exits, later": {watching{quiet{}, nil, runtime.Goexit}, parley.ErrGoexit},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, "logout", func(t *testing.T, s *site, cookie string) {
				s.options.Revocations = test.revocations
				start := time.Now()
				app := &stream{ask: true}
				x := parleytest.Start(t, s.app(app), get("/", "Cookie", cookie))
				x.Status()
				time.Sleep(time.Second / 2)
				if name == "revoked" {
					s.stamps.Store("ann", "2")
				}
				x.Response()
				if took := time.Since(start); took > 2*time.Second || !errors.Is(app.cause, test.cause) {
					t.Errorf("ended after %v, for %v", took, app.cause)
				}
			})
		})
	}
}

// A request that ends while it is being looked at again waits for that, and leaves
// nothing behind.
func TestRequestEndsDuringTheLook(t *testing.T) {
	inBubble(t, "logout", func(t *testing.T, s *site, cookie string) {
		var stopped atomic.Int64
		s.options.Revocations = slow{func() { stopped.Add(1) }}
		app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
			auth.IdentityFrom(ctx)
			time.Sleep(1500 * time.Millisecond)
			return parley.Respond(ctx, conn, 200, nil, nil)
		})
		got := parleytest.Do(t, s.app(app), get("/", "Cookie", cookie))
		if got.Status != 200 || got.Err != nil || stopped.Load() != 1 {
			t.Errorf("%d %v, watches ended: %d", got.Status, got.Err, stopped.Load())
		}
	})
}

// slow are Revocations that take a second to begin a watch.
type slow struct{ stopped func() }

func (s slow) Watch(context.Context, []string, func(error)) (func(), error) {
	time.Sleep(time.Second)
	return s.stopped, nil
}
func (slow) Revoke(context.Context, string) error { return nil }

// What does not depend on a login goes on without it: an answer of an app that
// never asked, and the one that tells of the logout.
func TestAnswersThatGoOn(t *testing.T) {
	for name, app := range map[string]func(s *site) parley.App{
		"nobody asked": func(*site) parley.App { return &stream{} },
		"a slow logout": func(s *site) parley.App {
			return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
				auth.IdentityFrom(ctx)
				time.Sleep(2 * time.Second)
				if err := s.sessions.Logout(ctx); err != nil {
					return err
				}
				return (&stream{}).Serve(ctx, scope, conn)
			})
		},
		"a slow revocation of oneself": func(s *site) parley.App {
			return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
				auth.IdentityFrom(ctx)
				time.Sleep(2 * time.Second)
				if err := auth.RevokeUser(ctx, s.options.Revocations, "ann"); err != nil {
					return err
				}
				return (&stream{}).Serve(ctx, scope, conn)
			})
		},
		"a slow login": func(s *site) parley.App {
			return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
				auth.IdentityFrom(ctx)
				time.Sleep(2 * time.Second)
				if err := s.sessions.Login(ctx, &auth.Identity{ID: "bob"}); err != nil {
					return err
				}
				time.Sleep(2 * time.Second)
				return parley.Respond(ctx, conn, 200, nil, make([]byte, 20))
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, "logout", func(t *testing.T, s *site, cookie string) {
				s.manager.Lifetime = 24 * time.Hour
				cookie = s.login(t, cookie, "bob")
				cookie = s.login(t, cookie, "ann")
				got := parleytest.Do(t, s.app(app(s)), get("/", "Cookie", cookie))
				if got.Status != 200 || len(got.Body) != 20 || got.Truncated {
					t.Errorf("%d %d bytes, truncated %v", got.Status, len(got.Body), got.Truncated)
				}
			})
		})
	}
}

// An answer that has not begun is 401 when its login ends.
func TestLateAnswerIs401(t *testing.T) {
	for name, result := range map[string]func(ctx context.Context) error{
		"error": context.Context.Err, "cause": context.Cause,
		"nothing": func(context.Context) error { return nil },
	} {
		for _, live := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, live %v", name, live), func(t *testing.T) {
				lateAnswer(t, live, result)
			})
		}
	}
}

func lateAnswer(t *testing.T, live bool, result func(ctx context.Context) error) {
	inBubble(t, "expiry", func(t *testing.T, s *site, cookie string) {
		app := s.app(parley.AppFunc(func(ctx context.Context, _ *parley.Scope, _ parley.Conn) error {
			auth.IdentityFrom(ctx)
			<-ctx.Done()
			return result(ctx)
		}))
		r := get("http://shop.example/", "Cookie", cookie)
		if !live {
			if got := parleytest.Do(t, app, r).Status; got != 401 {
				t.Errorf("status %d", got)
			}
			return
		}
		r.RequestURI = ""
		response, err := served(t, nethttp.Handler(app)).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != 401 {
			t.Errorf("status %d", response.StatusCode)
		}
	})
}

// The same where nothing wraps the server's conn.
func TestLateAnswerOfAServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, result := range []func(ctx context.Context) error{
			context.Context.Err, context.Cause, func(context.Context) error { return nil },
		} {
			app := authWith(newBearer())(parley.AppFunc(
				func(ctx context.Context, _ *parley.Scope, _ parley.Conn) error {
					<-ctx.Done()
					return result(ctx)
				}))
			r, _ := http.NewRequest("GET", "http://shop.example/", nil)
			r.Header = as(t, "ann", 10*time.Second).Header
			response, err := served(t, nethttp.Handler(app)).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != 401 {
				t.Errorf("status %d", response.StatusCode)
			}
		}
	})
}

// A short request is watched by nobody.
func TestShortRequestsCostNoWatch(t *testing.T) {
	s := newSite()
	s.options.Revocations = watching{quiet{}, func() { t.Error("a watch") }, nil}
	cookie := s.login(t, "", "ann")
	if got := s.whoami(t, cookie); got != "ann" {
		t.Errorf("%q", got)
	}
}
