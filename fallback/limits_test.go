package fallback_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/internal/testlog"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

// Requests that are not well are answered, and harm nobody.
func TestBadRequests(t *testing.T) {
	for _, test := range []struct {
		name, method, target string
		header               http.Header
		status               int
	}{
		{"post to nothing", "POST", "/", nil, 404},
		{"delete of nothing", "DELETE", "/", nil, 404},
		{"no such session", "GET", "/?session=x", nil, 404},
		{"no such session of a stream", "GET", "/", http.Header{
			"Last-Event-Id": {"x.7"}, "Accept": {"text/event-stream"},
		}, 404},
		{"cursor that is none", "GET", "/?cursor=x", nil, 400},
		{"negative cursor", "GET", "/?cursor=-1", nil, 400},
		{"large cursor", "GET", "/?cursor=9223372036854775808", nil, 400},
		{"event id that is none", "GET", "/", http.Header{"Last-Event-Id": {"x.y"}}, 400},
		{"head", "HEAD", "/", nil, 405},
		{"head of a stream", "HEAD", "/", http.Header{"Accept": {"text/event-stream"}}, 405},
		{"put", "PUT", "/", nil, 405},
		{"options", "OPTIONS", "/", nil, 204},
		{"large header", "GET", "/", http.Header{"X": {strings.Repeat("a", 40<<10)}}, 431},
		{"large URL", "GET", "/?" + strings.Repeat("a", 40<<10), nil, 431},
	} {
		t.Run(test.name, func(t *testing.T) {
			app := serve(t, new(host).echo(), fallback.Options{})
			r := httptest.NewRequest(test.method, test.target, nil)
			for name, values := range test.header {
				r.Header[name] = values
			}
			got := parleytest.Do(t, app, r)
			if got.Status != test.status || got.Header.Get("Cache-Control") != "no-store" || got.Err != nil {
				t.Errorf("%d %v, %v, want %d", got.Status, got.Header, got.Err, test.status)
			}
			if stats := app.Stats(); stats.Sessions != 0 {
				t.Errorf("%+v", stats)
			}
		})
	}
}

// A cursor that no message has ends the session of whoever says so.
func TestCursorFromNowhere(t *testing.T) {
	each(t, func(t *testing.T, streams bool) {
		h := new(host)
		c := (&client{t: t, app: serve(t, h.echo(), fallback.Options{}), streams: streams}).mustOpen()
		c.cursor, c.x = 99, nil
		if got := c.next(); got.status != 404 {
			t.Errorf("%+v", got)
		}
		synctest.Wait()
		if got := h.causes(); len(got) != 1 {
			t.Errorf("ended with %v", got)
		}
	})
}

// What a client sends is bounded as on a socket, and ends in the same way.
func TestMessageLimits(t *testing.T) {
	for _, test := range []struct {
		name, message string
		status        int
		code          parley.CloseCode
	}{
		{"large", "12345", 413, 1009},
		{"not UTF-8", "\xff", 400, 1007},
	} {
		t.Run(test.name, func(t *testing.T) {
			each(t, func(t *testing.T, streams bool) {
				app := serve(t, new(host).echo(), fallback.Options{MaxMessage: 4})
				c := (&client{t: t, app: app, streams: streams}).mustOpen()
				if got := c.post("1234"); got != 204 || c.message() != "1234" {
					t.Errorf("what fits: %d", got)
				}
				if got := c.post(test.message); got != test.status {
					t.Errorf("answered %d, want %d", got, test.status)
				}
				if got := c.ended(); got != test.code {
					t.Errorf("closed with %d, want %d", got, test.code)
				}
			})
		})
	}
}

// One client can't have all the sessions, nor can all have more than there are.
func TestSessionLimits(t *testing.T) {
	each(t, func(t *testing.T, streams bool) {
		var log testlog.Lines
		u := new(users)
		served := serve(t, new(host).echo(), fallback.Options{
			MaxSessions: 5, MaxPerClient: 2, Logger: log.Logger(),
		})
		open := func(name, address string) int {
			c := &client{t: t, app: u.wrap(served), streams: streams}
			c.as = func(r *http.Request) *http.Request {
				r.RemoteAddr = address
				return as(name)(r)
			}
			return c.open()
		}
		for i, test := range []struct {
			name, address string
			status        int
		}{
			{"", "192.0.2.1:1", 200},
			{"", "192.0.2.1:2", 200},
			{"", "192.0.2.1:3", 429},
			{"ann", "192.0.2.1:4", 200}, // somebody else, by the same address
			{"", "[2001:db8::1]:5", 200},
			{"", "[2001:db8::2]:5", 200}, // the same customer
			{"", "[2001:db8::3]:5", 503}, // would be the sixth of all
			{"ann", "192.0.2.2:6", 503},
		} {
			if got := open(test.name, test.address); got != test.status {
				t.Errorf("%d: %d, want %d", i, got, test.status)
			}
		}
		if stats := served.Stats(); stats.Refused != 3 || stats.Sessions != 5 || log.Len() != 1 {
			t.Errorf("%+v, logged %s", stats, log.String())
		}
		time.Sleep(time.Minute) // longer than the lease of polls
		if !streams && open("", "192.0.2.1:3") != 200 {
			t.Error("no room after all have left")
		}
	})
}

// A client that opens and says goodbye has no more sessions than others while its
// apps come to their end.
func TestSessionsCountToTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := serve(t, parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
			_ = ws.Accept(ctx, parley.WebSocketAccept{})
			<-ctx.Done()
			time.Sleep(time.Hour)
			return nil
		}), fallback.Options{MaxPerClient: 1})
		c := (&client{t: t, app: app}).mustOpen()
		c.goodbye(0, "")
		if got := (&client{t: t, app: app}).open(); got != 429 {
			t.Errorf("%d", got)
		}
		time.Sleep(2 * time.Hour)
		if got := (&client{t: t, app: app}).open(); got != 200 {
			t.Errorf("%d", got)
		}
	})
}

// What waits for an app that is behind is bounded in bytes, however many requests
// bring it.
func TestReceiveBytes(t *testing.T) {
	each(t, func(t *testing.T, streams bool) {
		reads := make(chan bool)
		app := serve(t, parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
			_ = ws.Accept(ctx, parley.WebSocketAccept{})
			for range reads {
				if _, err := ws.Read(ctx); err != nil {
					return err
				}
			}
			return nil
		}), fallback.Options{ReceiveBytes: 1000})
		defer close(reads)
		c := (&client{t: t, app: app, streams: streams}).mustOpen()
		c.attach() // it stays
		if got := c.post(strings.Repeat("a", 2000)); got != 204 {
			t.Errorf("the first: %d", got)
		}
		var behind []*parleytest.Exchange
		for range 17 {
			behind = append(behind, parleytest.Start(t, app, c.request("POST", strings.Repeat("b", 2000))))
			synctest.Wait()
		}
		if got := behind[16].Status(); got != 429 {
			t.Errorf("one request too many: %d", got)
		}
		reads <- true
		if got := behind[0].Status(); got != 204 {
			t.Errorf("when there is room: %d", got)
		}
		time.Sleep(time.Hour) // nobody waits for ever
		for i, x := range behind[1:16] {
			if got := x.Response(); got.Status != 503 && got.Status != 410 && got.Status != 404 {
				t.Errorf("%d: %d", i, got.Status)
			}
		}
	})
}

// What is on its way when the session ends is not taken.
func TestPostToTheEnd(t *testing.T) {
	each(t, func(t *testing.T, streams bool) {
		app := serve(t, parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
			_ = ws.Accept(ctx, parley.WebSocketAccept{})
			<-ctx.Done()
			return nil
		}), fallback.Options{ReceiveBytes: 1})
		c := (&client{t: t, app: app, streams: streams}).mustOpen()
		c.attach()
		c.post("waits for the app")
		slow := parleytest.Upload(t, app, c.request("POST", ""))
		slow.Send("is on its way")
		synctest.Wait()
		behind := parleytest.Start(t, app, c.request("POST", "waits for its turn"))
		lost := parleytest.Start(t, app, c.request("POST", "leaves"))
		synctest.Wait()
		lost.Vanish()
		if err := lost.Wait(); !errors.Is(err, parley.ErrDisconnected) {
			t.Errorf("the one that left: %v", err)
		}
		c.goodbye(0, "")
		if got := behind.Status(); got != 410 {
			t.Errorf("behind: %d", got)
		}
		slow.End()
		if got := slow.Status(); got != 410 {
			t.Errorf("on its way: %d", got)
		}
		if got := app.Stats().Received; got != 1 {
			t.Errorf("received %d", got)
		}
	})
}

// Middleware below sees a client without a socket as what it is: a handshake, and
// messages.
func TestMiddlewareBelow(t *testing.T) {
	each(t, func(t *testing.T, streams bool) {
		limit := middleware.NewRateLimit(middleware.RateLimitOptions{
			Handshakes: middleware.Rate{PerSecond: 0.001, Burst: 2},
			Messages:   middleware.Rate{PerSecond: 0.001, Burst: 2},
		})
		limited := parley.Chain(new(host).echo(), limit.Wrap, middleware.MessageLimit(3))
		app := serve(t, limited, fallback.Options{})
		c := (&client{t: t, app: app, streams: streams}).mustOpen()
		for i, want := range []int{204, 204, 204} {
			if got := c.post(fmt.Sprint(i)); got != want {
				t.Errorf("%d: %d", i, got)
			}
		}
		if got := c.ended(); got != 4429 {
			t.Errorf("closed with %d", got)
		}
		large := (&client{t: t, app: app, streams: streams}).mustOpen()
		large.post("1234")
		if got := large.ended(); got != 1009 && got != 4429 {
			t.Errorf("closed with %d", got)
		}
		if got := (&client{t: t, app: app, streams: streams}).open(); got != 429 {
			t.Errorf("one handshake too many: %d", got)
		}
	})
}

// The cost of a byte is flat, whatever parts it comes in.
func TestTinyParts(t *testing.T) {
	const size = 256 << 10
	allocated := func(parts int) uint64 {
		app := serve(t, new(host).echo(), fallback.Options{QueueBytes: -1})
		c := (&client{t: t, app: app}).mustOpen()
		conn := &upload{left: parts, part: []byte(strings.Repeat("a", size/parts))}
		scope := &parley.Scope{Protocol: parley.HTTP, Request: c.request("POST", "")}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := app.Serve(t.Context(), scope, conn); err != nil || conn.status != 204 {
			t.Fatalf("%d, %v", conn.status, err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	whole, tiny := allocated(1), allocated(size)
	if tiny > 4*whole+(64*size) {
		t.Errorf("%d bytes for a body in one part, %d in parts of a byte", whole, tiny)
	}
}

// upload is a request whose body comes in parts.
type upload struct {
	left, status int
	part         []byte
}

func (p *upload) Receive(context.Context) (parley.Event, error) {
	p.left--
	return parley.HTTPRequest{Body: p.part, More: p.left > 0}, nil
}

func (p *upload) Send(_ context.Context, event parley.Event) error {
	if start, ok := event.(parley.HTTPResponseStart); ok {
		p.status = start.Status
	}
	return nil
}
