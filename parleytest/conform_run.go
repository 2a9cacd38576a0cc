package parleytest

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

// httpRow is one rule of an HTTP conversation.
type httpRow struct {
	rule   string
	needs  Features
	lacks  Features // what the wire may not have
	script HTTPScript
	app    func(c *call) error
	want   HTTPSeen // of the headers at least these; of a failure's body nothing
	said   []string // the app's log
	cause  error    // what its context ended with; nil: not looked at
}

func (row httpRow) run(t testing.TB, wire Wire) {
	var c call
	got := wire.HTTP(t, c.app(row.app), row.script)
	expectSaid(t, c.wait(t), row.said)
	c.expectCause(t, row.cause)
	expectHeader(t, "header", got.Header, row.want.Header)
	expectHeader(t, "trailer", got.Trailer, row.want.Trailer)
	expectDiscreet(t, got.Header, got.Body)
	expectBody(t, got.Body, row.want.Body)
	got.Header, got.Trailer, row.want.Header, row.want.Trailer = nil, nil, nil, nil
	got.Body, row.want.Body = "", ""
	if !reflect.DeepEqual(got, row.want) {
		t.Errorf("the client saw %+v, want %+v", got, row.want)
	}
}

// anyBody stands for whatever a server says of a failure.
const anyBody = "any body"

// failed is the answer that a server gives for an app that did not.
func failed(status int) HTTPSeen { return HTTPSeen{Status: status, Body: anyBody} }

// socketRow is one rule of a WebSocket conversation.
type socketRow struct {
	rule   string
	needs  Features
	script SocketScript
	app    func(c *call) error
	silent bool // the app is not called
	want   SocketSeen
	said   []string
	cause  error
}

func (row socketRow) run(t testing.TB, wire Wire) {
	var c call
	got := wire.WebSocket(t, c.app(row.app), row.script)
	if row.silent {
		c.state.Update(func() {
			if c.called {
				t.Error("the app was called")
			}
		})
	} else {
		expectSaid(t, c.wait(t), row.said)
		c.expectCause(t, row.cause)
	}
	expectHeader(t, "header", got.Header, row.want.Header)
	expectDiscreet(t, got.Header, got.Body, got.Reason)
	expectBody(t, got.Body, row.want.Body)
	got.Body, row.want.Body = "", ""
	if got, want := texts(got.Messages), texts(row.want.Messages); !slices.Equal(got, want) {
		t.Errorf("the client received %q, want %q", got, want)
	}
	got.Header, row.want.Header, got.Messages, row.want.Messages = nil, nil, nil, nil
	if !reflect.DeepEqual(got, row.want) {
		t.Errorf("the client saw %+v, want %+v", got, row.want)
	}
}

func texts(messages []parley.WebSocketReceive) []string {
	var all []string
	for _, message := range messages {
		all = append(all, describe(message))
	}
	return all
}

// denied is what a browser sees of a handshake that was not accepted.
func denied(status int) SocketSeen { return SocketSeen{Status: status, Body: anyBody, Code: 1006} }

// lifespanRow is one rule of a Lifespan conversation.
type lifespanRow struct {
	rule              string
	app               func(c *call) error
	startup, shutdown string // what the errors contain; empty: nil
	said              []string
}

func (row lifespanRow) run(t testing.TB, wire LifespanWire) {
	var c call
	startup, shutdown := wire.Lifespan(t, c.app(row.app))
	expectSaid(t, c.wait(t), row.said)
	expectError(t, "startup", startup, row.startup)
	expectError(t, "shutdown", shutdown, row.shutdown)
}

func expectError(t testing.TB, name string, err error, part string) {
	t.Helper()
	if (err == nil) != (part == "") || err != nil && !strings.Contains(err.Error(), part) {
		t.Errorf("%s: %v, want %q", name, err, part)
	}
}

func expectSaid(t testing.TB, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("the app saw\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func expectBody(t testing.TB, got, want string) {
	t.Helper()
	if got != want && want != anyBody {
		t.Errorf("the client read a body of %d bytes, %.80q, want %d, %.80q", len(got), got, len(want),
			want)
	}
}

// expectHeader looks for the headers wanted. One wanted without values may not
// be there.
func expectHeader(t testing.TB, name string, got, want http.Header) {
	t.Helper()
	for key, values := range want {
		if !slices.Equal(got[key], values) {
			t.Errorf("%s %s: %q, want %q", name, key, got[key], values)
		}
	}
}

// expectDiscreet makes sure that the client was not told what went wrong.
func expectDiscreet(t testing.TB, header http.Header, texts ...string) {
	t.Helper()
	for _, values := range header {
		texts = append(texts, values...)
	}
	for _, text := range texts {
		if strings.Contains(text, secret) {
			t.Errorf("the client was told %q", text)
		}
	}
}
