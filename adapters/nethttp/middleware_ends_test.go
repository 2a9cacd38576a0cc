package nethttp_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// TestEndsOfMiddleware: net/http middleware that does not return, before it has handed
// on or afterwards, costs its own conversation, and is not mistaken for an answer.
func TestEndsOfMiddleware(t *testing.T) {
	for name, end := range ends {
		if name != "panic" && name != "exit" && name != "abort" {
			continue
		}
		for _, handsOn := range []bool{false, true} {
			ending := func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if handsOn {
						next.ServeHTTP(w, r)
					}
					end()
				})
			}
			for _, request := range []string{getting("/"), getting("/", upgrade...)} {
				for shape, chain := range map[string][]parley.Middleware{
					"live":        {nethttp.Middleware(ending)},
					"over events": {wrapping, nethttp.Middleware(ending)},
				} {
					t.Run(name+"/"+shape, func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							g := gateway(dispatch(parley.Chain(answering, chain...)))
							client := adaptertest.ServeInBubble(t, g).Dial()
							client.Say("%s", request)
							got := client.Rest()
							if strings.Contains(got, " 200 OK\r\n") && strings.Contains(got, "Content-Length: 0") {
								t.Errorf("an empty answer: %q", got)
							}
							if !handsOn && strings.Contains(got, "answer") {
								t.Errorf("answered: %q", got)
							}
							if err := g.Drain(t.Context()); err != nil || g.Stats().Live != 0 {
								t.Errorf("left: %+v, %v", g.Stats(), err)
							}
						})
					})
				}
			}
		}
	}
}

// answering answers whatever it is asked.
var answering = parley.AppFunc(func(
	ctx context.Context, scope *parley.Scope, conn parley.Conn,
) error {
	return parley.Answer(ctx, scope, conn, http.StatusTeapot, nil, []byte("answer"))
})
