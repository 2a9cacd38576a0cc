package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

func TestRateLimitRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := new(inner)
		limit := middleware.NewRateLimit(middleware.RateLimitOptions{
			Requests: middleware.Rate{PerSecond: 0.1, Burst: 2}, Handshakes: middleware.Rate{PerSecond: 1},
		}).Wrap(app)
		for i, want := range []int{200, 200, 429} {
			got := parleytest.Do(t, limit, get("/"))
			if got.Status != want {
				t.Errorf("request %d: status %d, want %d", i, got.Status, want)
			}
			if want == 429 && got.Header.Get("Retry-After") != "10" {
				t.Errorf("Retry-After %q", got.Header.Get("Retry-After"))
			}
		}
		// A handshake is a request, too: whoever dresses one as the other gains nothing.
		if denial := parleytest.Dial(t, limit, get("/")).Denial(); denial.Status != 429 {
			t.Errorf("a request dressed as a handshake: %d", denial.Status)
		}
		other := get("/")
		other.RemoteAddr = "192.0.2.2:1"
		ws := parleytest.Dial(t, limit, other)
		ws.Accept()
		ws.Close(1000, "")
		denial := parleytest.Dial(t, limit, other).Denial()
		if denial.Status != 429 || denial.Header.Get("Retry-After") != "1" {
			t.Errorf("second handshake: %d %v", denial.Status, denial.Header)
		}
		time.Sleep(10 * time.Second)
		if got := parleytest.Do(t, limit, get("/")).Status; got != 200 {
			t.Errorf("after ten seconds: %d", got)
		}
		if n := app.ran.Load(); n != 4 {
			t.Errorf("the app ran %d times", n)
		}
	})
}

func TestRateLimitMessages(t *testing.T) {
	messages := middleware.RateLimitOptions{Messages: middleware.Rate{PerSecond: 1, Burst: 2}}
	bytes := middleware.RateLimitOptions{Bytes: middleware.Rate{PerSecond: 10}}
	for _, test := range []struct {
		name    string
		options middleware.RateLimitOptions
		send    []string
		echoed  int
	}{
		{"messages", messages, []string{"a", "b", "c"}, 2},
		{"bytes", bytes, []string{"12345", "678901"}, 1},
		{"larger than the burst", bytes, []string{"12345678901"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ws := parleytest.Dial(t, middleware.NewRateLimit(test.options).Wrap(new(inner)), get("/"))
				for i, text := range test.send {
					ws.Send(parley.Text(text))
					if i < test.echoed && ws.Receive().Text() != text {
						t.Errorf("message %d got lost", i)
					}
				}
				if code, _ := ws.Closed(); code != parley.CloseRateLimited {
					t.Errorf("closed with %d", code)
				}
				if err := ws.Wait(); !errors.Is(err, parley.ErrRateLimited) {
					t.Error(err)
				}
			})
		})
	}
}

// A message that is refused is the app's end too: the same one every time, with
// the cause, also in the context.
func TestRateLimitTellsTheApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
			ws.Accept(ctx, parley.WebSocketAccept{})
			for range 2 {
				_, err := ws.Read(ctx)
				if !errors.Is(err, parley.ErrRateLimited) || !errors.Is(err, parley.ErrDisconnected) {
					t.Errorf("Read: %v", err)
				}
			}
			if err := ws.Write(ctx, parley.Text("late")); err != parley.ErrDisconnected {
				t.Errorf("Write: %v", err)
			}
			if cause := context.Cause(ctx); cause != parley.ErrRateLimited {
				t.Errorf("cause: %v", cause)
			}
			return nil
		})
		limit := middleware.NewRateLimit(middleware.RateLimitOptions{
			Bytes: middleware.Rate{PerSecond: 1},
		})
		ws := parleytest.Dial(t, limit.Wrap(app), get("/"))
		ws.Send(parley.Text("too long"))
		if code, _ := ws.Closed(); code != parley.CloseRateLimited {
			t.Errorf("closed with %d", code)
		}
	})
}

func TestRateLimitConnectionsC14(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := middleware.NewRateLimit(middleware.RateLimitOptions{
			Connections: 1,
			Key:         func(context.Context, *parley.Scope) string { return "" },
		}).Wrap(new(inner))
		first := parleytest.Dial(t, limit, get("/"))
		first.Accept()
		got := parleytest.Do(t, limit, get("/"))
		if got.Status != 503 || got.Header.Get("Retry-After") != "1" {
			t.Errorf("second: %d %v", got.Status, got.Header)
		}
		if denial := parleytest.Dial(t, limit, get("/")).Denial(); denial.Status != 503 {
			t.Errorf("second socket: %d", denial.Status)
		}
		first.Close(1000, "")
		first.Wait()
		if got := parleytest.Do(t, limit, get("/")).Status; got != 200 {
			t.Errorf("after the first has left: %d", got)
		}
	})
}

// keyInHeader is the key of a client that says itself who it is.
func keyInHeader(_ context.Context, scope *parley.Scope) string {
	return scope.Request.Header.Get("Key")
}

// reasonFor is why a limit refuses one more request, or "".
func reasonFor(t *testing.T, limit *middleware.RateLimit, r *http.Request) string {
	t.Helper()
	return reasonOf(t, limit.Check(&parley.Scope{Protocol: parley.HTTP, Request: r}))
}

// The table is bounded: idle keys go first, and keys in use never.
func TestRateLimitTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := middleware.NewRateLimit(middleware.RateLimitOptions{
			Requests: middleware.Rate{PerSecond: 0.01}, MaxKeys: 2,
			Key: keyInHeader,
		}).Wrap(new(inner))
		status := func(key string) int { return parleytest.Do(t, limit, get("/", "Key", key)).Status }
		for _, step := range []struct {
			key  string
			want int
		}{{"a", 200}, {"a", 429}, {"b", 200}, {"c", 200}, {"b", 429}, {"a", 200}} { // c drove out a
			if got := status(step.key); got != step.want {
				t.Errorf("%s: %d, want %d", step.key, got, step.want)
			}
		}
		x := parleytest.Dial(t, limit, get("/", "Key", "x"))
		x.Accept()
		y := parleytest.Dial(t, limit, get("/", "Key", "y"))
		y.Accept()
		if got := status("z"); got != 503 {
			t.Errorf("a table full of sockets: %d", got)
		}
		x.Close(1000, "")
		x.Wait()
		if got := status("z"); got != 200 {
			t.Errorf("with room again: %d", got)
		}
	})
}

func TestRateLimitKeyIsNetworkForIPv6(t *testing.T) {
	limit := middleware.NewRateLimit(middleware.RateLimitOptions{
		Requests: middleware.Rate{PerSecond: 0.001},
	})
	for i, want := range []string{"", "rate", ""} {
		r := get("/")
		r.RemoteAddr = []string{"[2001:db8:0:1::1]:1", "[2001:db8:0:1::2]:1", "[2001:db8:0:2::1]:1"}[i]
		if got := reasonFor(t, limit, r); got != want {
			t.Errorf("%s: %q, want %q", r.RemoteAddr, got, want)
		}
	}
}

// Clients of IPv4 have a bound each, whatever their address begins with.
func TestRateLimitKeyIsAddressForIPv4(t *testing.T) {
	limit := middleware.NewRateLimit(middleware.RateLimitOptions{
		Requests: middleware.Rate{PerSecond: 0.001},
	})
	for _, remote := range []string{"0.1.1.1:1", "0.1.1.2:1", "9.1.1.1:1", "9.1.1.2:1", "9.2.1.1:1"} {
		for i, want := range []string{"", "rate"} {
			r := get("/")
			r.RemoteAddr = remote
			if got := reasonFor(t, limit, r); got != want {
				t.Errorf("%s, request %d: %q, want %q", remote, i, got, want)
			}
		}
	}
}

// Middleware of net/http that looks behind proxies leaves an address without a port.
func TestRateLimitKeyWithoutPort(t *testing.T) {
	limit := middleware.NewRateLimit(middleware.RateLimitOptions{
		Requests: middleware.Rate{PerSecond: 0.001},
	})
	for _, c := range []struct{ remote, want string }{
		{"192.0.2.1", ""},
		{"192.0.2.1", "rate"},
		{"192.0.2.1:80", "rate"},
		{"[::ffff:192.0.2.1]:80", "rate"},
		{"::ffff:192.0.2.1", "rate"},
		{"192.0.2.2", ""},
		{"2001:db8:0:1:1:2:3:4", ""},
		{"2001:db8:0:1:5:6:7:8", "rate"},
		{"[2001:db8:0:1::1]:80", "rate"},
		{"2001:db8:0:2::1", ""},
		{"fd00::1", ""},
		{"fd01::1", ""},
		{"@", ""},
		{"no address", "rate"},
	} {
		r := get("/")
		r.RemoteAddr = c.remote
		if got := reasonFor(t, limit, r); got != c.want {
			t.Errorf("%s: %q, want %q", c.remote, got, c.want)
		}
	}
}

func TestRateLimitPassesOthers(t *testing.T) {
	passesOthers(t, middleware.NewRateLimit(middleware.RateLimitOptions{Connections: 1}).Wrap)
}

// However long the keys are that clients choose, what is kept of them is bounded.
func TestRateLimitLongKeys(t *testing.T) {
	limit := middleware.NewRateLimit(middleware.RateLimitOptions{
		Requests: middleware.Rate{PerSecond: 0.01},
		Key:      keyInHeader,
	})
	ask := func(key string) string {
		return reasonFor(t, limit, get("/", "Key", key))
	}
	long := strings.Repeat("k", 1<<20)
	for _, test := range []struct{ name, key, want string }{
		{"a long key", long, ""},
		{"the same", long, "rate"},
		{"another of its length", long[1:] + "x", ""},
	} {
		if got := ask(test.key); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 200 {
		ask(fmt.Sprint(i, long))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("200 keys of 1 MiB keep %d bytes", grown)
	}
	runtime.KeepAlive(limit)
}

func TestRateLimitManyKeys(t *testing.T) {
	limit := middleware.NewRateLimit(middleware.RateLimitOptions{
		Requests: middleware.Rate{PerSecond: 1000}, MaxKeys: 4096,
	})
	for i := range 20000 {
		r := get("/")
		r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255)
		if err := limit.Check(&parley.Scope{Protocol: parley.HTTP, Request: r}); err != nil {
			t.Fatal(err)
		}
	}
	r := get("/")
	r.RemoteAddr = strings.Repeat("x", 100)
	if err := limit.Check(&parley.Scope{Protocol: parley.HTTP, Request: r}); err != nil {
		t.Error(err)
	}
}
