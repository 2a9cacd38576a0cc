package fallback_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/parleytest"
)

// host runs apps that note how they end.
type host struct {
	mu    sync.Mutex
	ends  []error
	conns []parley.Conn
	log   []string
}

// echo sends back what it receives, and notes the end.
func (h *host) echo() parley.App {
	return parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		h.mu.Lock()
		h.conns = append(h.conns, ws.Conn()) // before a client can know
		h.mu.Unlock()
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		for {
			message, err := ws.Read(ctx)
			if err != nil {
				h.ended(err)
				return err
			}
			h.mu.Lock()
			h.log = append(h.log, message.Text())
			h.mu.Unlock()
			answer := parley.WebSocketSend{Type: message.Type, Data: message.Data}
			if err := ws.Write(ctx, answer); err != nil {
				h.ended(err)
				return err
			}
		}
	})
}

func (h *host) ended(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ends = append(h.ends, err)
}

// causes returns what the apps have ended with.
func (h *host) causes() []error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.ends)
}

// heard returns what clients have said.
func (h *host) heard() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.log)
}

// say sends to all clients.
func (h *host) say(t testing.TB, text string) {
	t.Helper()
	h.mu.Lock()
	conns := slices.Clone(h.conns)
	h.mu.Unlock()
	prepared := parley.Prepare(parley.Text(text))
	for _, conn := range conns {
		if err := conn.(parley.Offerer).Offer(prepared.Send()); err != nil {
			t.Error(err)
		}
	}
}

// serve makes an App that is closed with the test.
func serve(t testing.TB, app parley.App, options fallback.Options) *fallback.App {
	t.Helper()
	if options.Logger == nil {
		options.Logger = silent
	}
	served := fallback.New(app, options)
	t.Cleanup(func() {
		if err := served.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if stats := served.Stats(); stats.Running != 0 {
			t.Errorf("closed: %+v", stats)
		}
	})
	return served
}

// each runs a test in a bubble, over streams and over polls.
func each(t *testing.T, test func(t *testing.T, streams bool)) {
	for name, streams := range transports {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, streams) })
		})
	}
}

// Any message arrives as it was sent, both ways.
func TestMessages(t *testing.T) {
	each(t, func(t *testing.T, streams bool) {
		app := serve(t, new(host).echo(), fallback.Options{})
		c := (&client{t: t, app: app, streams: streams}).mustOpen()
		for _, text := range []string{
			"a", "", " a", "a\nb", "a\n", "a\r\nb\r", "id: 1", "\x00", "\u2028<&>\ufeff", `"\`,
			strings.Repeat("é", 1<<18),
		} {
			if status := c.post(text); status != 204 {
				t.Errorf("posting %.20q: %d", text, status)
			}
			if got := c.message(); got != text {
				t.Errorf("got %.20q, want %.20q", got, text)
			}
		}
		for _, data := range []string{"", "\xff\x00", "\r\n"} {
			if status := c.postBinary(data); status != 204 {
				t.Errorf("posting %q: %d", data, status)
			}
			got := c.next().messages
			if len(got) != 1 || string(got[0].Data) != data || got[0].Type != parley.BinaryMessage {
				t.Errorf("got %v, want %q", got, data)
			}
		}
	})
}

// Nothing is lost and nothing comes twice, whatever happens to the requests.
func TestResume(t *testing.T) {
	each(t, func(t *testing.T, streams bool) {
		h := new(host)
		c := (&client{t: t, app: serve(t, h.echo(), fallback.Options{}), streams: streams}).mustOpen()
		h.say(t, "a")
		if got := c.message(); got != "a" {
			t.Errorf("got %q", got)
		}
		c.x = nil // the client has lost its stream, or is between two polls
		h.say(t, "b")
		h.say(t, "c")
		for range 2 { // the first answer is lost
			before := c.cursor
			c.attach()
			if streams {
				c.next() // the greeting
			}
			if got := c.message(); got != "b" {
				t.Errorf("got %q", got)
			}
			c.cursor, c.x = before, nil
		}
		c.cursor++
		c.attach()
		if streams {
			c.next()
		}
		if got := c.message(); got != "c" {
			t.Errorf("got %q", got)
		}
	})
}

// A session lives as long as requests come, and for a lease after.
func TestLease(t *testing.T) {
	each(t, func(t *testing.T, streams bool) {
		h := new(host)
		app := serve(t, h.echo(), fallback.Options{})
		c := (&client{t: t, app: app, streams: streams}).mustOpen()
		for range 3 { // nothing happens, for much longer than the lease
			began := time.Now()
			if got := c.next(); got.gone || got.closed != nil || len(got.messages) != 0 {
				t.Errorf("%+v", got)
			}
			want := 25 * time.Second
			if streams {
				want = 15 * time.Second
			}
			if waited := time.Since(began); waited != want {
				t.Errorf("held for %v, want %v", waited, want)
			}
		}
		if streams {
			c.x.Vanish()
		}
		time.Sleep(14 * time.Second)
		synctest.Wait()
		if got := app.Stats(); got.Running != 1 || got.Sessions != 1 {
			t.Errorf("%+v", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := h.causes(); len(got) != 1 || !errors.Is(got[0], parley.ErrDisconnected) {
			t.Errorf("ended with %v", got)
		}
		if got := app.Stats(); got.Running != 0 || got.Sessions != 0 || got.Lost != 1 || got.Opened != 1 {
			t.Errorf("%+v", got)
		}
		c.x = nil
		if got := c.next(); got.status != 404 {
			t.Errorf("%+v", got)
		}
	})
}

// A client that comes twice is served where it came last.
func TestTakeOver(t *testing.T) {
	each(t, func(t *testing.T, streams bool) {
		h := new(host)
		c := (&client{t: t, app: serve(t, h.echo(), fallback.Options{}), streams: streams}).mustOpen()
		first := c.attach()
		synctest.Wait()
		c.attach()
		got := first.Response()
		if got.Status != 200 || got.Truncated || got.Err != nil {
			t.Errorf("%+v", got)
		}
		if streams {
			c.next()
		}
		h.say(t, "a")
		if got := c.message(); got != "a" {
			t.Errorf("got %q", got)
		}
	})
}

// A real socket, and what is none, go to the app as they are.
func TestPassesOn(t *testing.T) {
	app := serve(t, new(host).echo(), fallback.Options{})
	s := parleytest.Dial(t, app, httptest.NewRequest("GET", "/", nil))
	s.Send(parley.Text("a"))
	if got := s.Receive().Text(); got != "a" || app.Stats().Opened != 0 {
		t.Errorf("got %q, %+v", got, app.Stats())
	}
	s.Close(parley.CloseNormal, "")
	err := app.Serve(t.Context(), &parley.Scope{Protocol: parley.Channel}, nil)
	if !errors.As(err, new(*parley.UnsupportedProtocolError)) {
		t.Errorf("a channel: %v", err)
	}
}

// A session keeps what a router has left in the scope, and has it on the request, as
// other handshakes have.
func TestScopeHasCaptures(t *testing.T) {
	var scope *parley.Scope
	app := serve(t, parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		scope = ws.Scope()
		return ws.Accept(ctx, parley.WebSocketAccept{})
	}), fallback.Options{})
	router := parley.AppFunc(func(ctx context.Context, s *parley.Scope, conn parley.Conn) error {
		defer s.Release(s.Capture([]string{"room"}, []string{"7"}))
		return app.Serve(ctx, s, conn)
	})
	r := httptest.NewRequest("GET", "https://example.com/room/7", nil)
	parleytest.Do(t, router, r)
	if scope.PathValue("room") != "7" || scope.Request.PathValue("room") != "7" {
		t.Errorf("%+v", scope)
	}
}

// What the app finds in its scope is a handshake's.
func TestScope(t *testing.T) {
	var scope *parley.Scope
	app := serve(t, parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		scope = ws.Scope()
		if scope.Request.Context() != ctx {
			t.Error("the request has another context")
		}
		return ws.Accept(ctx, parley.WebSocketAccept{Subprotocol: "b"})
	}), fallback.Options{})
	r := httptest.NewRequest("GET", "https://example.com/room/7?protocols=a,+b", nil)
	r.Header.Set("Parley-Protocols", "c")
	r.SetPathValue("room", "7")
	if got := parleytest.Do(t, app, r); !strings.Contains(got.Body, `"protocol":"b"`) {
		t.Errorf("%+v", got)
	}
	if scope.Protocol != parley.WebSocket || scope.Scheme() != "wss" ||
		scope.PathValue("room") != "7" ||
		!slices.Equal(scope.Subprotocols, []string{"c", "a", "b"}) ||
		!slices.Equal(scope.Extensions, []parley.Extension{parley.ExtensionDenial}) {
		t.Errorf("%+v", scope)
	}
}

// Without limits nothing is bounded, and nothing else changes.
func TestNoLimits(t *testing.T) {
	each(t, func(t *testing.T, streams bool) {
		c := (&client{t: t, app: serve(t, new(host).echo(), fallback.Options{
			Heartbeat: -1, WriteTimeout: -1, HandshakeTimeout: -1, MaxSessions: -1, MaxPerClient: -1,
			MaxMemory: -1, MaxMessage: -1, ReceiveBytes: -1, QueueMessages: -1, QueueBytes: -1,
		}), streams: streams}).mustOpen()
		large := strings.Repeat("a", 3<<20)
		for range 2 {
			if got := c.post(large); got != 204 {
				t.Errorf("posted: %d", got)
			}
		}
		for range 2 {
			if got := c.message(); got != large {
				t.Errorf("got %d bytes", len(got))
			}
		}
	})
}
