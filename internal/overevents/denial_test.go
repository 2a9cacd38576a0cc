package overevents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// handshakeConn is the handshake of a WebSocket with the rules as referee.
type handshakeConn struct {
	rules  protocol.WebSocket
	first  parley.Event
	events []string
}

func (c *handshakeConn) Receive(context.Context) (parley.Event, error) {
	if c.first == nil {
		return nil, io.ErrClosedPipe
	}
	return c.first, nil
}

func (c *handshakeConn) Send(_ context.Context, event parley.Event) error {
	switch event := event.(type) {
	case parley.WebSocketDeny:
		_, err := c.rules.Deny(event)
		c.events = append(c.events, fmt.Sprintf("deny %d %s %q", event.Status,
			event.Header.Get("Content-Length"), event.Body))
		return err
	case parley.WebSocketResponseStart:
		c.events = append(c.events, fmt.Sprintf("start %d %s", event.Status,
			event.Header.Get("Content-Length")))
		return c.rules.ResponseStart(event)
	case parley.WebSocketResponseBody:
		c.events = append(c.events, fmt.Sprintf("body %d more=%t", len(event.Body), event.More))
		return c.rules.ResponseBody(event)
	}
	return c.rules.Unknown(event)
}

var denialCases = []struct {
	name    string
	handler http.HandlerFunc
	want    []string
	ending  protocol.WebSocketEnding
	err     error
}{
	{"silence",
		func(http.ResponseWriter, *http.Request) {}, []string{`deny 200 0 ""`},
		protocol.WebSocketDone, nil},
	{"implicit 200", say("hello"), []string{`deny 200 5 "hello"`}, protocol.WebSocketDone, nil},
	{"not found",
		http.NotFound, []string{`deny 404 19 "404 page not found\n"`}, protocol.WebSocketDone, nil},
	{"no content",
		func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }, []string{`deny 204  ""`},
		protocol.WebSocketDone, nil},
	{"streamed", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "one")
		w.(http.Flusher).Flush()
		io.WriteString(w, strings.Repeat("x", 3000))
	}, []string{"start 200 ", "body 3 more=true", "body 3000 more=true", "body 0 more=false"},
		protocol.WebSocketDone, nil},
	{"hints and trailers", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</x>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "x")
	}, []string{`deny 200 1 "x"`}, protocol.WebSocketDone, nil},
	{"hijacked behind an answer", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "cannot", http.StatusNotImplemented)
		if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, http.ErrNotSupported) {
			panic(err)
		}
	}, []string{`deny 501 7 "cannot\n"`}, protocol.WebSocketDone, nil},
	{"switching without hijacking", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusSwitchingProtocols)
	}, []string{`deny 101  ""`}, protocol.WebSocketFail, parley.ErrInvalidStatus},
	{"short", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		io.WriteString(w, "x")
	}, []string{"start 200 5", "body 1 more=true"}, protocol.WebSocketAbort, parley.ErrShortBody},
	{"beyond events",
		func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(999) }, []string{`deny 999 0 ""`},
		protocol.WebSocketFail, parley.ErrInvalidStatus},
}

// TestOverEventsDenial: whatever a handler answers to a handshake denies it.
func TestOverEventsDenial(t *testing.T) {
	for _, c := range denialCases {
		t.Run(c.name, func(t *testing.T) {
			conn := &handshakeConn{first: parley.WebSocketConnect{}}
			err := Serve(context.Background(), c.handler, handshakeScope(t), conn)
			if !errors.Is(err, c.err) || !slices.Equal(conn.events, c.want) ||
				conn.rules.Finish() != c.ending {
				t.Errorf("got %q, %v, ending %d, want %q, %v, ending %d", conn.events, err,
					conn.rules.Finish(), c.want, c.err, c.ending)
			}
		})
	}
}

// TestOverEventsHandshakeLost: no handler runs when there is nobody to answer.
func TestOverEventsHandshakeLost(t *testing.T) {
	cases := []struct {
		first parley.Event
		want  error
	}{
		{parley.WebSocketDisconnect{Cause: parley.ErrIdle}, parley.ErrDisconnected},
		{parley.WebSocketDisconnect{Cause: parley.ErrIdle}, parley.ErrIdle},
		{parley.WebSocketDisconnect{Cause: parley.ErrDisconnected}, parley.ErrDisconnected},
		{nil, io.ErrClosedPipe},
	}
	unexpected := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the handler ran")
	})
	for _, c := range cases {
		conn := &handshakeConn{first: c.first}
		err := Serve(context.Background(), unexpected, handshakeScope(t), conn)
		if !errors.Is(err, c.want) {
			t.Errorf("%v: got %v, want %v", c.first, err, c.want)
		}
	}
	conn := &handshakeConn{first: parley.WebSocketReceive{}}
	if err := Serve(context.Background(), unexpected, handshakeScope(t), conn); err == nil {
		t.Error("a message for a handshake was accepted")
	}
}

func handshakeScope(t *testing.T) *parley.Scope {
	scope, _ := scopeOf(t, request(t, http.MethodGet, "/socket", nil), everyHTTPExtension...)
	scope.Protocol = parley.WebSocket
	return scope
}
