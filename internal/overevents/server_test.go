package overevents

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/parleygo/parley"
)

// bottom is a Server that notes what it is asked for.
type bottom struct {
	asked  []string
	closed bool
	header http.Header
}

func (b *bottom) note(format string, args ...any) error {
	b.asked = append(b.asked, fmt.Sprintf(format, args...))
	return nil
}

func (b *bottom) Enter() bool         { b.note("enter"); return !b.closed }
func (b *bottom) Leave()              { b.note("leave") }
func (b *bottom) Header() http.Header { return b.header }
func (b *bottom) Inform(status int, header http.Header) {
	b.note("inform %d %v", status, header)
}
func (b *bottom) Pushes() bool                              { return true }
func (b *bottom) Push(to string, _ *http.PushOptions) error { return b.note("push %s", to) }
func (b *bottom) SetReadDeadline(time.Time) error           { return b.note("read deadline") }
func (b *bottom) SetWriteDeadline(time.Time) error          { return b.note("write deadline") }
func (b *bottom) EnableFullDuplex() error                   { return b.note("duplex") }
func (b *bottom) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, b.note("hijack")
}

// upon serves h on a conn with a server at its bottom.
func upon(t *testing.T, server *bottom, h http.HandlerFunc) (*refereeConn, error) {
	t.Helper()
	scope, _ := scopeOf(t, request(t, http.MethodGet, "/", nil))
	conn := &refereeConn{}
	conn.rules.Handler = true
	err := Serve(context.WithValue(t.Context(), ServerKey{}, server), h, scope, conn)
	conn.got.Body = conn.body.String()
	return conn, err
}

// TestServerIsAsked: what no event says goes to the server, while the handler is at
// work and no longer.
func TestServerIsAsked(t *testing.T) {
	quiet(t)
	var kept http.ResponseWriter
	server := new(bottom)
	ask := func(w http.ResponseWriter) (errs []error) {
		controller := http.NewResponseController(w)
		_, _, hijack := controller.Hijack()
		return []error{
			controller.SetReadDeadline(noTime), controller.SetWriteDeadline(noTime),
			controller.EnableFullDuplex(),
			w.(http.Pusher).Push("/style.css", nil), hijack,
		}
	}
	conn, err := upon(t, server, func(w http.ResponseWriter, r *http.Request) {
		kept = w
		w.WriteHeader(http.StatusProcessing)
		if err := errors.Join(ask(w)...); err != nil {
			t.Error(err)
		}
		if _, err := io.WriteString(w, "x"); err != http.ErrHijacked {
			t.Error(err)
		}
		w.WriteHeader(http.StatusOK)
	})
	want := []string{
		"enter", "inform 102 map[]", "hijack", "read deadline", "write deadline", "duplex",
		"push /style.css", "leave",
	}
	if err != nil || !slices.Equal(server.asked, want) || len(conn.events) > 0 {
		t.Errorf("asked %q, sent %q, %v", server.asked, conn.events, err)
	}
	for _, err := range ask(kept) {
		if err == nil {
			t.Error("asked after the handler's return")
		}
	}
}

// TestServerFindsTheRest: length and type are the server's to find, codings, statuses
// and trailers the handler's to choose.
func TestServerFindsTheRest(t *testing.T) {
	for _, c := range []struct {
		name    string
		header  http.Header
		handler http.HandlerFunc
		want    string
	}{
		{"nothing said", nil, say("hello"), `200 map[] "hello"`},
		{"a coding", nil, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Transfer-Encoding", "gzip")
			io.WriteString(w, "x")
		}, `200 map[Transfer-Encoding:[gzip]] "x"`},
		{"no length", nil, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Length"] = nil
			io.WriteString(w, "x")
		}, `200 map[Content-Length:[]] "x"`},
		{"a status of its own",
			nil, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(799) }, `799 map[] ""`},
		{"a head that was begun", http.Header{
			"X-Kept": {"1"}, "X-Gone": {"1"}, "X-Changed": {"1"}, "Vary": {"A"}, "Set-Cookie": {"a=1"},
		}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Del("X-Gone")
			w.Header().Set("X-Changed", w.Header().Get("X-Kept")+"2")
			w.Header().Add("Vary", "B")
			w.Header().Set("Set-Cookie", "b=2")
		}, `200 map[Set-Cookie:[b=2] Vary:[B] X-Changed:[12] X-Gone:[]] ""`},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := upon(t, &bottom{header: c.header}, c.handler)
			got := fmt.Sprintf("%d %v %q", conn.got.Status, conn.got.Header, conn.got.Body)
			if err != nil || got != c.want {
				t.Errorf("got %s, %v, want %s", got, err, c.want)
			}
		})
	}
}

// TestServerOfAnotherConversation: a conversation that is over serves no handler, and
// neither does one of another kind.
func TestServerOfAnotherConversation(t *testing.T) {
	server := &bottom{closed: true}
	upon(t, server, func(w http.ResponseWriter, r *http.Request) {
		err := http.NewResponseController(w).EnableFullDuplex()
		if !errors.Is(err, http.ErrNotSupported) {
			t.Error(err)
		}
	})
	ctx := context.WithValue(t.Context(), ServerKey{}, server)
	if serverOf(ctx, &parley.Scope{Protocol: parley.WebSocket}) != nil {
		t.Error("a WebSocket has the server of a request")
	}
	if !slices.Equal(server.asked, []string{"enter"}) {
		t.Errorf("asked %q", server.asked)
	}
}
