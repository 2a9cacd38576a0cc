package nethttp_test

import (
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// TestStatsOfHandlersThatBreak: a handler that does not return is counted, whatever it
// writes to, and whether it is asked for a page or for a socket.
func TestStatsOfHandlersThatBreak(t *testing.T) {
	breaks := map[string]func(){
		"panic":  func() { panic("a bug") },
		"abort":  func() { panic(http.ErrAbortHandler) },
		"goexit": runtime.Goexit,
	}
	above := map[string]parley.Middleware{
		"natively":         decides,
		"over events":      wrapping,
		"below middleware": nethttp.Middleware(decorates),
	}
	for how, fail := range breaks {
		for where, middleware := range above {
			for _, begun := range []bool{false, true} {
				for protocol, fields := range map[string][]string{"http": nil, "websocket": upgrade} {
					name := fmt.Sprintf("%s %s %s, begun=%v", protocol, where, how, begun)
					t.Run(name, func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							g := gateway(middleware(nethttp.App(serve(func(w http.ResponseWriter, _ *http.Request) {
								if begun {
									w.WriteHeader(http.StatusForbidden)
								}
								fail()
							}))))
							client := adaptertest.ServeInBubble(t, g).Dial()
							client.Say("%s", getting("/", fields...))
							client.Rest()
							synctest.Wait()
							if stats := g.Stats(); stats.Panics != 1 {
								t.Errorf("%+v, want one panic", stats)
							}
						})
					})
				}
			}
		}
	}
}
