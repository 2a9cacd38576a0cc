package thirdparty

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// project is an ordinary chi project.
func project() http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.Recoverer, middleware.Compress(5, "text/plain"), middleware.StripSlashes)
	r.Get("/items/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "item %s for %s", chi.URLParam(r, "id"), r.Header.Get("X-Real-IP"))
	})
	r.Route("/admin", func(r chi.Router) {
		r.Use(middleware.BasicAuth("realm", map[string]string{"ada": "lovelace"}))
		r.Get("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "admin") })
	})
	r.With(middleware.Throttle(1), middleware.NoCache).Get("/flush",
		func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "flushed")
			w.(http.Flusher).Flush()
		})
	r.Mount("/mounted", http.StripPrefix("/mounted",
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.URL.Path)
		})))
	return r
}

// TestChiAsAnApp: a chi project answers as it does without the kit, native and over
// events.
func TestChiAsAnApp(t *testing.T) {
	shapes := map[string]func(http.Handler) http.Handler{
		"App":          func(h http.Handler) http.Handler { return gateway(nethttp.App(h)) },
		"below router": func(h http.Handler) http.Handler { return gateway(deciding(nethttp.App(h))) },
		"over events":  func(h http.Handler) http.Handler { return gateway(wrapping(nethttp.App(h))) },
	}
	requests := [][]string{
		{"GET", "/items/7", "X-Real-IP", "192.0.2.7", "Accept-Encoding", "identity"},
		{"GET", "/items/7/", "X-Real-IP", "192.0.2.7", "Accept-Encoding", "gzip"},
		{"HEAD", "/items/7", "X-Real-IP", "192.0.2.7"},
		{"GET", "/admin", "Authorization", "Basic YWRhOmxvdmVsYWNl"},
		{"GET", "/admin"},
		{"GET", "/flush"},
		{"GET", "/mounted/x"},
		{"DELETE", "/items/7"},
		{"GET", "/none"},
	}
	for _, request := range requests {
		want := answer(t, project(), request[0], request[1], request[2:]...)
		for name, shape := range shapes {
			if got := answer(t, shape(project()), request[0], request[1], request[2:]...); got != want {
				t.Errorf("%s: %q: got\n%s\nwant\n%s", name, request, got, want)
			}
		}
	}
}

// TestChiRoutesToApps: apps and sockets at the routes of a chi router.
func TestChiRoutesToApps(t *testing.T) {
	r := chi.NewRouter()
	r.Use(middleware.Recoverer, middleware.Compress(5))
	r.Handle("/hello/{name}", gateway(hello))
	r.Handle("/echo", gateway(echo, nethttp.Options{Mode: nethttp.Hold}))
	if got := answer(t, r, "GET", "/hello/ada", "Accept-Encoding", "identity"); !strings.HasSuffix(got,
		"hello ada at /hello/ada") {
		t.Errorf("got %s", got)
	}
	if got := talkGorilla(t, r, "/echo"); got != "101 v2 text binary 4001 as you wish" {
		t.Errorf("the socket: %s", got)
	}
}

// TestChiMiddleware stands in front of event apps, of handlers and of sockets.
func TestChiMiddleware(t *testing.T) {
	chain := []parley.Middleware{
		nethttp.Middleware(middleware.RequestID), nethttp.Middleware(middleware.Recoverer),
		nethttp.Middleware(middleware.Timeout(time.Hour)), nethttp.Middleware(middleware.SetHeader("X-Chi", "1")),
		nethttp.Middleware(middleware.Compress(5,
			"text/plain")), nethttp.Middleware(middleware.Heartbeat("/ping")),
		nethttp.Middleware(middleware.Throttle(10)),
	}
	for _, above := range []parley.Middleware{deciding, wrapping} {
		app := above(parley.Chain(both, chain...))
		got := answer(t, gateway(app), "GET", "/hello", "Accept-Encoding", "gzip")
		head, body, _ := strings.Cut(got, "\r\n\r\n")
		plain, err := gzip.NewReader(strings.NewReader(body))
		if err != nil {
			t.Fatalf("%v in %q", err, got)
		}
		if text, _ := io.ReadAll(plain); string(text) != "hello  at /hello" ||
			!strings.Contains(head, "X-Chi: 1") {
			t.Errorf("got %q with %s", text, head)
		}
		if got := answer(t, gateway(app), "GET", "/ping"); !strings.HasSuffix(got, "\r\n\r\n.") {
			t.Errorf("the heartbeat: %s", got)
		}
		if got := talkGorilla(t, gateway(app), "/"); got != "101 v2 text binary 4001 as you wish" {
			t.Errorf("the socket: %s", got)
		}
	}
}
