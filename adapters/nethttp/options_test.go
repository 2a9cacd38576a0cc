package nethttp_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// TestMistakesOfWiring: each panics when the program starts, with words that say
// what to write instead.
func TestMistakesOfWiring(t *testing.T) {
	with := func(options ...nethttp.Options) func() {
		return func() { nethttp.Handler(echo, options...) }
	}
	for _, c := range []struct {
		name string
		wire func()
		want string
	}{
		{"no app", func() { nethttp.Handler(nil) }, "nethttp: Handler of a nil app"},
		{"no function", func() { nethttp.Handler(parley.AppFunc(nil)) }, "nethttp: Handler of a nil app"},
		{"middleware of nothing", func() { nethttp.Middleware(through)(nil) },
			"nethttp: Middleware of a nil app"},
		{"middleware that makes nothing", func() {
			nethttp.Middleware(func(http.Handler) http.Handler { return nil })(echo)
		}, "nethttp: Middleware: the function returned a nil handler"},
		{"no handler function", func() { nethttp.App(http.HandlerFunc(nil)) },
			"nethttp: App of a nil handler"},
		{"no handler", func() { nethttp.App(nil) }, "nethttp: App of a nil handler"},
		{"nothing to stand in front of", func() { nethttp.ExtendedConnect(nil) },
			"nethttp: ExtendedConnect of a nil handler"},
		{"no middleware", func() { nethttp.Middleware(nil) }, "nethttp: Middleware of a nil function"},
		{"two options", with(nethttp.Options{}, nethttp.Options{}), "Handler takes one Options"},
		{"root without a slash", with(nethttp.Options{RootPath: "api"}),
			`Options.RootPath: "api"; write "/api"`},
		{"root with two slashes", with(nethttp.Options{RootPath: "/api/"}),
			`Options.RootPath: "/api/"; write "/api"`},
		{"root of slashes", with(nethttp.Options{RootPath: "/"}),
			`Options.RootPath: "/" is no prefix; leave it empty`},
		{"mode", with(nethttp.Options{Mode: 7}), "Options.Mode: 7"},
		{"origin of another dialect", with(nethttp.Options{Origins: []string{"*.shop.example"}}),
			`write ".shop.example"`},
		{"two checks", with(nethttp.Options{Origins: []string{}, InsecureSkipOriginCheck: true}),
			"not several"},
		{"read-ahead", with(nethttp.Options{WebSocket: parley.SocketOptions{ReadAhead: -1}}),
			"SocketOptions.ReadAhead: -1 is negative"},
		{"close", with(nethttp.Options{WebSocket: parley.SocketOptions{CloseTimeout: -time.Second}}),
			"SocketOptions.CloseTimeout: -1s is negative"},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, c.want) {
					t.Errorf("panic %q, want %q in it", got, c.want)
				}
			}()
			c.wire()
		})
	}
}
