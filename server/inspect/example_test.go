package inspect_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/server/inspect"
)

// A program with an http.Server of its own says what to show. Operators come from
// anywhere, with a client certificate.
func ExampleHandler() {
	chat := nethttp.Handler(parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		return ws.Accept(ctx, parley.WebSocketAccept{})
	}))
	mux := http.NewServeMux()
	mux.Handle("/chat", chat)
	mux.Handle("/inspect/", inspect.Handler(inspect.Options{
		Sources: []inspect.Source{chat},
		Hosts:   []string{"ops.example.com"},
		Allow:   func(r *http.Request) bool { return r.TLS != nil && len(r.TLS.VerifiedChains) > 0 },
	}))
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest("GET", "https://ops.example.com/inspect/", nil))
	fmt.Println(answer.Code, answer.Body)
	// Output:
	// 403 Forbidden: inspect.Options.Allow refuses it
}
