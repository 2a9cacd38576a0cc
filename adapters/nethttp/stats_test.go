package nethttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// counted is an app whose conversations end as their path says.
var counted = parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	path := scope.Request.URL.Path
	if scope.Protocol == parley.WebSocket {
		return countedSocket(ctx, path, conn)
	}
	switch path {
	case "/panic":
		panic("a bug")
	case "/abort":
		panic(http.ErrAbortHandler)
	case "/goexit":
		runtime.Goexit()
	case "/forwarded": // by the bridge, say
		return parley.NewPanicError("a bug")
	case "/fail":
		return errors.New("no")
	}
	return respond(ctx, conn, "ok")
})

func countedSocket(ctx context.Context, path string, conn parley.Conn) error {
	if path == "/deny" {
		return conn.Send(ctx, parley.WebSocketDeny{Status: 403})
	}
	conn.Receive(ctx)
	if err := conn.Send(ctx, parley.WebSocketAccept{}); err != nil {
		return err
	}
	switch path {
	case "/panic":
		panic("a bug")
	case "/abort":
		panic(http.ErrAbortHandler)
	case "/goexit":
		runtime.Goexit()
	case "/close":
		return conn.Send(ctx, parley.WebSocketClose{Code: 4321})
	case "/fail":
		return parley.ErrRateLimited
	}
	event, err := conn.Receive(ctx)
	for ; err == nil; event, err = conn.Receive(ctx) {
		message, ok := event.(parley.WebSocketReceive)
		if !ok {
			return nil
		}
		conn.Send(ctx, parley.Text(message.Text()))
	}
	return err
}

// nonzero are counts by name, without those that are 0.
func nonzero(all func(yield func(string, uint64) bool)) map[string]uint64 {
	list := make(map[string]uint64)
	for name, n := range all {
		if n > 0 {
			list[name] = n
		}
	}
	return list
}

func TestStatsOfRequests(t *testing.T) {
	for path, panics := range map[string]uint64{
		"/": 0, "/fail": 0, "/panic": 1, "/abort": 1, "/goexit": 1, "/forwarded": 1,
	} {
		for name, app := range map[string]parley.App{
			"app": counted, "handler": nethttp.App(gateway(counted)),
			"handler in a tower": decides(nethttp.App(gateway(counted))),
			"below middleware":   nethttp.Middleware(decorates)(counted),
		} {
			if panics > 0 && (name == "handler" || name == "handler in a tower") && path != "/abort" {
				continue // the gateway within has dealt with it
			}
			t.Run(name+path, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := gateway(app)
					client := adaptertest.ServeInBubble(t, g).Dial()
					client.Say("%s", getting(path))
					client.Rest()
					synctest.Wait()
					stats := g.Stats()
					if stats.Requests != 0 || stats.Served != 1 || stats.Panics != panics {
						t.Errorf("%+v, want %d panics", stats, panics)
					}
					if timed := stats.HandlerTime; timed.Count() != 1 || timed.Counts[0] != 1 {
						t.Errorf("timed: %+v", timed)
					}
				})
			})
		}
	}
}

func decorates(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
}

func TestStatsOfWebSockets(t *testing.T) {
	for _, c := range []struct {
		path, said string
		want       nethttp.Stats
		code       string
		cause      string
	}{
		{"/", text("hello") + goodbye, nethttp.Stats{
			Accepted: 1, MessagesIn: 1, MessagesOut: 1, BytesIn: 5, BytesOut: 5}, "1000", "peer_closed"},
		{"/", "", nethttp.Stats{Accepted: 1}, "1006", "disconnected"},
		{"/", "\xff", nethttp.Stats{Accepted: 1}, "1002", "peer_error"},
		{"/close", goodbye, nethttp.Stats{Accepted: 1}, "4xxx", "app_closed"},
		{"/fail", goodbye, nethttp.Stats{Accepted: 1}, "4429", "app_returned"},
		{"/panic", goodbye, nethttp.Stats{Accepted: 1, Panics: 1}, "1011", "app_returned"},
		{"/goexit", goodbye, nethttp.Stats{Accepted: 1, Panics: 1}, "1011", "app_returned"},
		{"/abort", "", nethttp.Stats{Accepted: 1, Panics: 1}, "1006", "app_error"},
		{"/deny", "", nethttp.Stats{Denied: 1}, "", ""},
	} {
		t.Run(fmt.Sprintf("%s %q", c.path, c.said), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := gateway(counted)
				client := adaptertest.ServeInBubble(t, g).Dial()
				client.Say("%s", getting(c.path, upgrade...))
				client.RawHead()
				go io.Copy(io.Discard, client)
				synctest.Wait()
				if open := g.Stats().WebSockets; c.path == "/" && open != 1 {
					t.Errorf("%d sockets are open", open)
				}
				client.Say("%s", c.said)
				if c.said == "" {
					client.Conn.Close()
				}
				synctest.Wait()
				client.Conn.Close()
				synctest.Wait()
				stats := g.Stats()
				codes, causes := nonzero(stats.CloseCodes.All()), nonzero(stats.CloseCauses.All())
				if c.code != "" && (len(codes) != 1 || codes[c.code] != 1 || len(causes) != 1 || causes[c.cause] != 1) {
					t.Errorf("ended with %v, %v, want %s, %s", codes, causes, c.code, c.cause)
				}
				if depth := stats.QueueDepth; depth.Count() != c.want.MessagesOut || depth.Sum != 0 {
					t.Errorf("queue: %+v", depth)
				}
				stats.CloseCodes, stats.CloseCauses = c.want.CloseCodes, c.want.CloseCauses
				stats.QueueDepth = c.want.QueueDepth
				if stats != c.want {
					t.Errorf("%+v,\nwant %+v", stats, c.want)
				}
			})
		})
	}
}

// TestStatsOfRefusals: handshakes that no app has seen.
func TestStatsOfRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gateway(counted, nethttp.Options{CheckOrigin: func(*http.Request) error { return errors.New("no") }})
		server := adaptertest.ServeInBubble(t, g)
		for _, request := range []string{
			getting("/", upgrade...), getting("/", upgrade[:2]...),
		} {
			client := server.Dial()
			client.Say("%s", request)
			client.RawHead()
			client.Conn.Close()
		}
		if err := g.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		client := server.Dial()
		client.Say("%s", getting("/", upgrade...))
		client.RawHead()
		client.Conn.Close()
		if stats := g.Stats(); stats != (nethttp.Stats{Refused: 3, Draining: true}) {
			t.Errorf("%+v", stats)
		}
	})
}

// TestStatsAdd: every figure there is.
func TestStatsAdd(t *testing.T) {
	one := nethttp.Stats{Draining: true}
	fill(reflect.ValueOf(&one).Elem(), 1)
	sum, want := one, one
	sum.Add(one)
	fill(reflect.ValueOf(&want).Elem(), 2)
	if sum != want {
		t.Errorf("%+v", sum)
	}
}

// fill sets all numbers below a value.
func fill(value reflect.Value, n int) {
	switch {
	case value.CanInt():
		value.SetInt(int64(n))
	case value.CanUint():
		value.SetUint(uint64(n))
	case value.CanFloat():
		value.SetFloat(float64(n))
	case value.Kind() == reflect.Array:
		for i := range value.Len() {
			fill(value.Index(i), n)
		}
	case value.Kind() == reflect.Struct:
		for i := range value.NumField() {
			fill(value.Field(i), n)
		}
	}
}

func TestHistogramBounds(t *testing.T) {
	var h nethttp.Histogram
	times, depths := nethttp.HandlerTimeBounds(), nethttp.QueueDepthBounds()
	if len(times) != len(h.Counts)-1 || len(depths) != len(h.Counts)-1 {
		t.Errorf("%d and %d bounds for %d buckets", len(times), len(depths), len(h.Counts))
	}
	if times[0] != 0.0005 || depths[0] != 0 || depths[3] != 7 {
		t.Errorf("%v, %v", times, depths)
	}
}
