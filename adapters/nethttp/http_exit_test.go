package nethttp_test

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
)

// TestExitBehindAnAnswer: an app that ends its goroutine when it has answered has
// answered.
func TestExitBehindAnAnswer(t *testing.T) {
	start := parley.HTTPResponseStart{Status: 200}
	long := strings.Repeat("long ", 10_000)
	for name, c := range map[string]struct {
		events []parley.Event
		want   string
	}{
		"whole": {[]parley.Event{start, parley.HTTPResponseBody{Body: []byte("done")}}, "done"},
		"long":  {[]parley.Event{start, parley.HTTPResponseBody{Body: []byte(long)}}, long},
		"empty": {[]parley.Event{start, parley.HTTPResponseBody{}}, ""},
		"no content": {[]parley.Event{
			parley.HTTPResponseStart{Status: 204}, parley.HTTPResponseBody{}}, ""},
		"in parts": {[]parley.Event{start, parley.HTTPResponseBody{Body: []byte("do"), More: true},
			parley.HTTPResponseBody{Body: []byte("ne")}}, "done"},
		"in a buffer": {[]parley.Event{
			start, parley.HTTPResponseBody{Body: []byte("do"), More: true, Buffered: true},
			parley.HTTPResponseBody{Body: []byte("ne")}}, "done"},
		"with a length": {[]parley.Event{
			parley.HTTPResponseStart{Status: 200, Header: map[string][]string{"Content-Length": {"4"}}},
			parley.HTTPResponseBody{Body: []byte("done")}}, "done"},
	} {
		for _, version := range []string{"1.1", "1.0"} {
			t.Run(name+"/"+version, func(t *testing.T) {
				g := gateway(httpApp(func(ctx context.Context, conn parley.Conn) error {
					if err := sendAll(ctx, conn, c.events...); err != nil {
						t.Error(err)
					}
					runtime.Goexit()
					return nil
				}))
				client := adaptertest.Serve(t, g).Dial()
				client.Say("GET / HTTP/%s\r\nHost: x\r\n\r\n", version)
				if got := client.Response("GET"); got.Cut || got.Body != c.want {
					t.Errorf("%+v", got)
				}
			})
		}
	}
}

// TestAbortBehindAnAnswer: an answer that an app takes back does not look whole, however
// little of it there is.
func TestAbortBehindAnAnswer(t *testing.T) {
	for _, body := range []string{"done", strings.Repeat("long ", 10_000)} {
		for _, version := range []string{"1.1", "1.0"} {
			g := gateway(httpApp(func(ctx context.Context, conn parley.Conn) error {
				if err := respond(ctx, conn, body); err != nil {
					t.Error(err)
				}
				panic(http.ErrAbortHandler)
			}))
			client := adaptertest.Serve(t, g).Dial()
			client.Say("GET / HTTP/%s\r\nHost: x\r\n\r\n", version)
			if got := client.Response("GET"); !got.Cut && got.Body != body {
				t.Errorf("HTTP/%s: %d with %q, as if that were all", version, got.Status, got.Body)
			}
		}
	}
}
