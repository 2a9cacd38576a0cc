package nethttp_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// TestHandover: a gateway on a mux below a wrapped conn serves the conversation that
// stands above it, by its own app and by its own rules.
func TestHandover(t *testing.T) {
	ends := func(err error) parley.App {
		return parley.WebSocketFunc(func(context.Context, *parley.Socket) error { return err })
	}
	atOnce := httpApp(func(ctx context.Context, conn parley.Conn) error {
		return conn.Send(ctx, parley.WebSocketAccept{}) // without a look at the handshake
	})
	teapot := httpApp(func(ctx context.Context, conn parley.Conn) error {
		return conn.Send(ctx, parley.WebSocketDeny{Status: http.StatusTeapot})
	})
	panics := parley.WebSocketFunc(func(context.Context, *parley.Socket) error { panic("no") })
	strange := []string{stranger}
	list := nethttp.Options{Origins: []string{".evil.example"}}
	own := nethttp.Options{CheckOrigin: nethttp.SameOrigin}
	for _, c := range []struct {
		name    string
		app     parley.App
		options nethttp.Options
		header  []string
		want    string
	}{
		{"a program", echo, nethttp.Options{}, nil, "101"},
		{"accepts at once", atOnce, nethttp.Options{}, nil, "101"},
		{"denies", teapot, nethttp.Options{}, nil, "418"},
		{"refuses", ends(parley.ErrNotFound), nethttp.Options{}, nil, "404"},
		{"says nothing", ends(nil), nethttp.Options{}, nil, "500"},
		{"panics", panics, nethttp.Options{}, nil, "500"},
		{"a stranger", echo, nethttp.Options{}, strange, "403"},
		{"a stranger, accepted at once", atOnce, nethttp.Options{}, strange, "403"},
		{"a stranger, denied by the app", teapot, nethttp.Options{}, strange, "418"},
		{"a stranger, listed here", echo, list, strange, "101"},
		{"a stranger, listed below", listed("*")(echo), nethttp.Options{}, strange, "101"},
		{"a stranger, listed elsewhere", listed("good.example")(echo), nethttp.Options{}, strange, "403"},
		{"a stranger, checked here", echo, own, strange, "403"},
	} {
		t.Run(c.name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.Handle("/rooms/{room}", gateway(c.app, c.options))
			server := adaptertest.Serve(t, gateway(wrapping(nethttp.App(mux))))
			got := server.Exchange(
				getting("/rooms/ada", append(c.header, upgrade...)...),
				text("hi")+goodbye,
			)
			if !strings.HasPrefix(got, "HTTP/1.1 "+c.want) {
				t.Fatalf("got %.100q, want %s", got, c.want)
			}
			if echoes := c.want == "101" && c.name != "accepts at once"; strings.Contains(
				got,
				"\x81\x02hi",
			) != echoes {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestHandoverOnTheWay: what handlers in front of the gateway have done holds.
func TestHandoverOnTheWay(t *testing.T) {
	draining := gateway(echo)
	if err := draining.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	inner := gateway(echo)
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"sets a header": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Outer", "1")
			inner.ServeHTTP(w, r)
		}, "HTTP/1.1 101 Switching Protocols"},
		"answers first": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusTeapot)
			inner.ServeHTTP(w, r)
		}, "HTTP/1.1 418 I'm a teapot"},
		"answers itself": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusTeapot)
		}, "HTTP/1.1 418 I'm a teapot"},
		"drains": {draining.ServeHTTP, "HTTP/1.1 503 Service Unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			server := adaptertest.Serve(t, gateway(wrapping(nethttp.App(c.handler))))
			if name == "answers first" {
				server.Expect("superfluous") // as without a gateway above
			}
			got := server.Exchange(getting("/", upgrade...), goodbye)
			if !strings.HasPrefix(got, c.want) ||
				strings.Contains(got, "X-Outer: 1") != (name == "sets a header") {
				t.Errorf("got %.200q, want %s", got, c.want)
			}
		})
	}
}

// TestOffers: a message is taken without waiting once the socket is open, and refused
// with what is wrong before and after.
func TestOffers(t *testing.T) {
	var early, bad, late error
	ended := make(chan error, 1)
	app := httpApp(func(ctx context.Context, conn parley.Conn) (err error) {
		defer func() { ended <- err }()
		offerer, _ := parley.OffererOf(conn)
		early = offerer.Offer(parley.Text("too early"))
		if err := sendAll(ctx, conn, parley.WebSocketAccept{}); err != nil {
			return err
		}
		bad = offerer.Offer(parley.Text("\xff"))
		if err := offerer.Offer(parley.Text("one")); err != nil {
			return err
		}
		if err := offerer.Offer(parley.Prepare(parley.Text("two")).Send()); err != nil {
			return err
		}
		err = conn.Send(ctx, parley.WebSocketClose{})
		late = offerer.Offer(parley.Text("too late"))
		return err
	})
	server := adaptertest.Serve(t, gateway(app))
	got := server.Exchange(getting("/", upgrade...), goodbye)
	if err := <-ended; err != nil || !strings.Contains(got, "\x81\x03one\x81\x03two\x88") {
		t.Errorf("got %q, %v", got, err)
	}
	for want, err := range map[error]error{
		parley.ErrNotAccepted: early, parley.ErrInvalidText: bad, parley.ErrClosed: late,
	} {
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}
