// Command mux makes an app of an http.ServeMux, puts a WebSocket beside it, and
// net/http middleware in front of both.
//
//	go run ./examples/mux
//	curl -u ann:secret http://127.0.0.1:8080/whoami
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/router"
	"github.com/parleygo/parley/server"
)

// newMux is the project as it was: a mux of net/http handlers.
func newMux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /whoami", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, userFrom(r.Context()))
	})
	return mux
}

// greet is what is new: a socket, which sees what the middleware found out.
func greet(ctx context.Context, ws *parley.Socket) error {
	if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
		return err
	}
	return ws.Write(ctx, parley.Text("welcome "+userFrom(ctx)))
}

type userKey struct{}

func userFrom(ctx context.Context) string {
	user, _ := ctx.Value(userKey{}).(string)
	return user
}

// login is net/http middleware as there is a lot of. It knows nothing of parley.
func login(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user == "" || password != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="mux"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, user)))
	})
}

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("mux", flag.ExitOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on")
	_ = flags.Parse(args) // exits on an error

	app := parley.Chain(router.Protocols{
		parley.HTTP:      nethttp.App(newMux()),
		parley.WebSocket: parley.WebSocketFunc(greet),
	}, nethttp.Middleware(login))
	return server.Run(ctx, app, server.Options{Addr: *addr, Serving: func(addr net.Addr) {
		fmt.Fprintf(stdout, "mux: http://%s/whoami\n", addr)
	}})
}
