package nethttp_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// TestHijackBehindPartOfTheBody: what a handler has not read of its request when it
// hijacks the connection is the first that it reads there.
func TestHijackBehindPartOfTheBody(t *testing.T) {
	const body, more = "0123456789", "abc"
	for n := range len(body) + 1 {
		handler := serve(func(w http.ResponseWriter, r *http.Request) {
			first := make([]byte, n)
			io.ReadFull(r.Body, first)
			conn, both, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			rest := make([]byte, len(body)-n+len(more))
			_, err = io.ReadFull(both, rest)
			fmt.Fprintf(both, "HTTP/1.0 200 OK\r\n\r\n%s|%s %v", first, rest, err)
			both.Flush()
		})
		want := fmt.Sprintf("HTTP/1.0 200 OK\r\n\r\n%s|%s%s <nil>", body[:n], body[n:], more)
		for name, handler := range map[string]http.Handler{
			"net/http":    handler,
			"natively":    gateway(nethttp.App(handler)),
			"over events": gateway(wrapping(nethttp.App(handler))),
		} {
			got := adaptertest.Serve(t, handler).Exchange(
				"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"+body+more, "")
			if got != want {
				t.Errorf("%s, %d read: %q, want %q", name, n, got, want)
			}
		}
	}
}
