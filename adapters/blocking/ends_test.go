package blocking_test

import (
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/parleygo/parley/adapters/nethttp"
)

// TestEnds: however a blocking handler ends, its client hears of it, and its thread
// serves others.
func TestEnds(t *testing.T) {
	for _, c := range []struct {
		name         string
		end          func()
		fresh, begun string // answers: before anything was written, and afterwards
	}{
		{"return", func() {}, "200 ", "200 half"},
		{"panic", func() { panic("no") }, "500 Internal Server Error\n", ""},
		{"exit", runtime.Goexit, "500 Internal Server Error\n", ""},
		{"abort", func() { panic(http.ErrAbortHandler) }, "", ""},
	} {
		for _, begun := range []bool{false, true} {
			app := onBridge(t, func(w http.ResponseWriter, r *http.Request) {
				if begun {
					io.WriteString(w, "half")
					w.(http.Flusher).Flush()
				}
				c.end()
			})
			server := httptest.NewServer(nethttp.Handler(app, nethttp.Options{Logger: silent}))
			server.Config.ErrorLog = noLog
			want := map[bool]string{false: c.fresh, true: c.begun}[begun]
			for range 2 {
				got := ""
				if response, err := http.Get(server.URL); err == nil {
					body, err := io.ReadAll(response.Body)
					response.Body.Close()
					if err == nil {
						got = strings.TrimSuffix(response.Status, http.StatusText(response.StatusCode)) + string(body)
					}
				}
				if got != want {
					t.Errorf("%s, begun %v: got %q, want %q", c.name, begun, got, want)
				}
			}
			server.Close()
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

var (
	silent = slog.New(slog.DiscardHandler)
	noLog  = log.New(io.Discard, "", 0)
)
