package thirdparty

import (
	"net/http"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/rs/cors"
)

func corsOptions() *cors.Cors {
	return cors.New(cors.Options{AllowedOrigins: []string{"https://good.example"},
		AllowCredentials: true})
}

var corsRequests = [][]string{
	{"GET", "/", "Origin", "https://good.example"},
	{"GET", "/", "Origin", "https://evil.example"},
	{"GET", "/"},
	{"OPTIONS", "/", "Origin", "https://good.example", "Access-Control-Request-Method", "PUT"},
	{"OPTIONS", "/", "Origin", "https://good.example", "Access-Control-Request-Method", "GET"},
	{"OPTIONS", "/", "Origin", "https://evil.example", "Access-Control-Request-Method", "GET"},
}

// TestCORSInFrontOfApps answers and marks as it does in front of a handler.
func TestCORSInFrontOfApps(t *testing.T) {
	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("hello  at " + r.URL.Path))
	})
	for _, request := range corsRequests {
		want := answer(t, corsOptions().Handler(plain), request[0], request[1], request[2:]...)
		apps := map[string]parley.App{
			"event app": hello, "handler": nethttp.App(plain), "handler over events": wrapping(nethttp.App(plain)),
		}
		for name, app := range apps {
			for _, above := range []parley.Middleware{deciding, wrapping} {
				h := gateway(above(nethttp.Middleware(corsOptions().Handler)(app)))
				if got := answer(t, h, request[0], request[1], request[2:]...); got != want {
					t.Errorf("%s: %q: got\n%s\nwant\n%s", name, request, got, want)
				}
			}
		}
	}
}

// TestCORSInFrontOfSockets: its headers go out with the 101, and the kit's own check
// of the Origin is what keeps strangers out.
func TestCORSInFrontOfSockets(t *testing.T) {
	for _, above := range []parley.Middleware{deciding, wrapping} {
		app := above(nethttp.Middleware(corsOptions().Handler)(echo))
		check := nethttp.Options{CheckOrigin: func(r *http.Request) error {
			if !corsOptions().OriginAllowed(r) {
				return http.ErrNotSupported
			}
			return nil
		}}
		good := handshake(t, gateway(app, check), http.Header{"Origin": {"https://good.example"}})
		if good.StatusCode != 101 ||
			good.Header.Get("Access-Control-Allow-Origin") != "https://good.example" ||
			good.Header.Get("Access-Control-Allow-Credentials") != "true" ||
			good.Header.Get("Vary") != "Origin" {
			t.Errorf("good: %d %v", good.StatusCode, good.Header)
		}
		evil := handshake(t, gateway(app, check), http.Header{"Origin": {"https://evil.example"}})
		if evil.StatusCode != 403 {
			t.Errorf("evil: %d %v", evil.StatusCode, evil.Header)
		}
	}
}

func handshake(t *testing.T, h http.Handler, header http.Header) *http.Response {
	t.Helper()
	conn, response := dialGorilla(t, h, "/", websocket.Dialer{}, header)
	if conn != nil {
		conn.Close()
	}
	return response
}
