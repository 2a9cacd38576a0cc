package nethttp_test

import (
	"context"
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
