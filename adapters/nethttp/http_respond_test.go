package nethttp_test

import (
	"context"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
)

// onlySend hides what a conn can do beside Receive and Send.
type onlySend struct{ parley.Conn }

// TestRespond: an answer given whole goes out as its two events would.
func TestRespond(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		header http.Header
		body   string
	}{
		{"plain", 200, http.Header{"Content-Type": {"text/plain"}}, "answer"},
		{"no header", 201, nil, "answer"},
		{"nothing", 200, nil, ""},
		{"longer than net/http's buffers", 200, nil, strings.Repeat("answer ", 2000)},
		{"a length of its own", 200, http.Header{"Content-Length": {"3"}}, "answer"},
		{"a length spelt otherwise", 200, http.Header{"content-length": {"3"}}, "answer"},
		{"no content", 204, nil, ""},
		{"no content, and some", 204, nil, "answer"},
		{"not modified, with a length", 304, http.Header{"Content-Length": {"6"}}, ""},
		{"an invalid header", 200, http.Header{"X-A": {"a\nb"}}, "answer"},
		{"no status", 99, nil, "answer"},
	} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			answer := func(wrap bool) adaptertest.Response {
				app := httpApp(func(ctx context.Context, conn parley.Conn) error {
					if wrap {
						conn = onlySend{conn}
					}
					return parley.Respond(ctx, conn, c.status, c.header.Clone(), []byte(c.body))
				})
				client := adaptertest.Serve(t, gateway(app)).Dial()
				client.Say("%s / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", method)
				return client.Response(method)
			}
			got, want := answer(false), answer(true)
			if got.Status != want.Status || got.Body != want.Body || got.Cut != want.Cut ||
				got.Header.Get("Content-Length") != want.Header.Get("Content-Length") {
				t.Errorf("%s, %s: %+v, by events %+v", c.name, method, got, want)
			}
			if length := got.Header.Get("Content-Length"); c.status == 200 && got.Status == 200 &&
				length != strconv.Itoa(len(c.body)) {
				t.Errorf("%s, %s: a length of %s", c.name, method, length)
			}
		}
	}
}

// TestUnheardTrailers: the part before trailers that the client does not hear has its
// length, though it is flushed.
func TestUnheardTrailers(t *testing.T) {
	app := httpApp(func(ctx context.Context, conn parley.Conn) error {
		return sendAll(ctx, conn, parley.HTTPResponseStart{Status: 200, Trailers: true},
			parley.HTTPResponseBody{Body: []byte("all")},
			parley.HTTPResponseTrailers{Header: http.Header{"X-Sum": {"1"}}})
	})
	for _, version := range []string{"1.0", "1.1"} {
		client := adaptertest.Serve(t, gateway(app)).Dial()
		client.Say("GET / HTTP/%s\r\nHost: x\r\n\r\n", version)
		got := client.Response("GET")
		if got.Header.Get("Content-Length") != "3" || got.Body != "all" || got.Cut {
			t.Errorf("HTTP/%s: %+v", version, got)
		}
	}
}

// TestShortAnswersAsHandlers: what fits net/http's buffer is byte for byte what a handler
// would have answered, in events too.
func TestShortAnswersAsHandlers(t *testing.T) {
	for _, size := range []int{0, 1, 1000, 2048} {
		body := []byte(strings.Repeat("x", size))
		header := http.Header{"Content-Type": {"text/plain"}, "X-A": {"1", "2"}}
		handler := func(w http.ResponseWriter, _ *http.Request) {
			maps.Copy(w.Header(), header)
			w.Write(body)
		}
		for name, app := range map[string]func(context.Context, parley.Conn) error{
			"whole": func(ctx context.Context, conn parley.Conn) error {
				return parley.Respond(ctx, conn, http.StatusOK, header, body)
			},
			"events": func(ctx context.Context, conn parley.Conn) error {
				return sendAll(ctx, conn, parley.HTTPResponseStart{Status: 200, Header: header.Clone()},
					parley.HTTPResponseBody{Body: body})
			},
		} {
			ask := func(h http.Handler) string {
				client := adaptertest.Serve(t, h).Dial()
				client.Say("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				return client.Rest()
			}
			if got, want := ask(gateway(httpApp(app))), ask(http.HandlerFunc(handler)); got != want {
				t.Errorf("%s of %d bytes:\n%q\nwant\n%q", name, size, got, want)
			}
		}
	}
}
