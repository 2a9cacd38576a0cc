package fallback_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/fallback"
)

// exchange is a conn of one request whose client leaves when it has been answered, or
// when it has seen the beginning of a stream.
type exchange struct {
	body   []byte
	read   bool
	status int
	header http.Header
	got    strings.Builder
	whole  bool
	leave  context.CancelCauseFunc
}

func (x *exchange) Receive(ctx context.Context) (parley.Event, error) {
	if !x.read {
		x.read = true
		return parley.HTTPRequest{Body: x.body}, nil
	}
	<-ctx.Done()
	return parley.HTTPDisconnect{Cause: context.Cause(ctx)}, nil
}

func (x *exchange) Send(_ context.Context, event parley.Event) error {
	switch event := event.(type) {
	case parley.HTTPResponseStart:
		x.status, x.header = event.Status, event.Header
	case parley.HTTPResponseBody:
		x.got.Write(event.Body)
		x.whole = !event.More
		if event.More {
			x.leave(parley.ErrDisconnected) // a stream has begun
		}
	}
	return nil
}

// ask sends a request, and does not wait for what does not come at once.
func ask(t *testing.T, app parley.App, r *http.Request, body []byte) *exchange {
	t.Helper()
	ctx, leave := context.WithCancelCause(t.Context())
	defer leave(nil)
	x := &exchange{body: body, leave: leave}
	err := app.Serve(ctx, &parley.Scope{Protocol: parley.HTTP, Request: r}, x)
	if err != nil && x.status == 0 {
		t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	return x
}

// FuzzRequest: whatever a client sends is answered, with one of the answers that
// there are, and what is not the owner's does not reach the app.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "cursor=0", "", "", "text/event-stream", "", []byte(nil), true)
	f.Add("GET", "cursor=18446744073709551615&session=x", "*.9", "new", "*/*",
		"a=b; parley-fallback=c", []byte("x"), false)
	f.Add("POST", "protocols=a,b,,c", "x", "", "", "", []byte("\xff"), true)
	f.Add("POST", "message=1", "", "", "", "", []byte("x"), true)
	f.Add("POST", "message=2", "", "", "", "", []byte("x"), true)
	f.Add("POST", "message=0", "", "", "", "", []byte("x"), true)
	f.Add("DELETE", "code=4000&reason=bye", "", "", "", "", []byte(nil), true)
	f.Add("DELETE", "code=1006", "", "AAAAAAAAAAAAAAAAAAAAAAAAAA", "", "", []byte(nil), false)
	f.Add("HEAD", "%zz;&=", "\n", "\x00", ",;,", ";=", []byte(nil), true)
	f.Fuzz(func(
		t *testing.T, method, query, last, secret, accept, cookie string, body []byte, owner bool,
	) {
		h := new(host)
		app := fallback.New(h.echo(), fallback.Options{
			MaxMessage: 16, PollTimeout: time.Millisecond, Logger: silent,
		})
		defer func() {
			if err := app.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		opening := &http.Request{
			Method: "GET", URL: &url.URL{Path: "/"}, Header: http.Header{"Parley-Secret": {"new"}},
		}
		var begun polled
		opened := ask(t, app, opening, nil)
		if err := json.Unmarshal([]byte(opened.got.String()), &begun); err != nil {
			t.Fatal(err)
		}
		r := &http.Request{Method: method, URL: &url.URL{Path: "/", RawQuery: query}, Header: http.Header{
			"Last-Event-Id": {last}, "Parley-Session": {begun.Session}, "Parley-Secret": {secret},
			"Accept": {accept}, "Cookie": {cookie},
		}}
		if owner {
			r.Header["Parley-Secret"] = opened.header["Parley-Secret"]
		}
		got := ask(t, app, r, body)
		switch got.status {
		case 200, 204, 400, 404, 405, 409, 410, 413:
		default:
			t.Errorf("answered %d", got.status)
		}
		if !owner && secret != opened.header.Get("Parley-Secret") && len(h.heard()) > 0 {
			t.Errorf("a stranger was heard: %q", h.heard())
		}
	})
}

// FuzzOpening: whatever net/http takes for a request opens a session, or is told why
// not, and a secret that it is told is one that a client can send back.
func FuzzOpening(f *testing.F) {
	f.Add("GET /chat HTTP/1.1\r\nHost: example.com\r\nAccept: text/event-stream\r\n\r\n")
	f.Add("GET /;a=%00/\\ HTTP/1.1\r\nHost: example.com\r\nSec-Fetch-Site: same-origin\r\n\r\n")
	f.Add("GET * HTTP/1.1\r\nHost: [::1]:1\r\nOrigin: null\r\n\r\n")
	f.Add("get http://a/?session= HTTP/1.0\r\nParley-Secret: new\r\nCookie: parley-fallback=\r\n\r\n")
	f.Add("POST //x?cursor=%2b1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
	f.Fuzz(func(t *testing.T, raw string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			return
		}
		app := fallback.New(new(host).echo(), fallback.Options{Logger: silent})
		defer func() {
			if err := app.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		got := ask(t, app, r, nil)
		switch got.status {
		case 200, 204, 400, 403, 404, 405, 431:
		default:
			t.Errorf("answered %d", got.status)
		}
		for _, line := range got.header["Set-Cookie"] {
			cookie, err := http.ParseSetCookie(line)
			if err != nil || len(cookie.Value) < 26 || !strings.HasPrefix(cookie.Path, "/") {
				t.Errorf("cookie %q: %v", line, err)
			}
		}
	})
}

// FuzzMessage: a message arrives as it is, in an event and in the answer to a poll.
func FuzzMessage(f *testing.F) {
	for _, text := range []string{
		"", "a\nb", "a\r\nb", "\r", "\x00", " x", "data: y\n\n", "\ufeff<é>\u2028", "\xff",
	} {
		f.Add([]byte(text), true)
		f.Add([]byte(text), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, binary bool) {
		if !binary && !utf8.Valid(data) {
			return
		}
		message := parley.Text(string(data))
		if binary {
			message = parley.Binary(data)
		}
		app := fallback.New(accepting(func(ctx context.Context, conn parley.Conn) error {
			return conn.Send(ctx, message)
		}), fallback.Options{Logger: silent, QueueBytes: -1})
		for _, streams := range transports {
			c := &client{t: t, app: app, streams: streams}
			c.mustOpen().post("go")
			got := c.next()
			for len(got.messages) == 0 && got.closed == nil && !got.gone {
				got = c.next()
			}
			want := parley.WebSocketReceive{Type: message.Type, Data: message.Data}
			if len(got.messages) != 1 || !same(got.messages[0], want) {
				t.Errorf("got %+v, want %q", got, data)
			}
			if code := c.ended(); code != 1000 {
				t.Errorf("closed with %d", code)
			}
		}
	})
}

func same(a, b parley.WebSocketReceive) bool { return a.Type == b.Type && a.Text() == b.Text() }
