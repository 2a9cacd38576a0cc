package router_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/router"
)

var nothing = parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error { return nil })

// tree is a site with one route of each kind that costs differently.
type tree struct {
	app parley.App
	mux *http.ServeMux // has the same patterns
}

func newTree(inScope bool) tree {
	mux := http.NewServeMux()
	urls, nested := &router.URLs{ScopeValues: inScope}, &router.URLs{ScopeValues: inScope}
	patterns := []string{"/healthz", "GET /users", "/users/{id}", "/users/{id}/posts/{post}",
		"/static/", "/of/{a}/{b}/{c}", "/of/{a}/{b}/{c}/{d}"}
	for i := range 20 { // siblings enough for a table
		patterns = append(patterns, "/page"+strconv.Itoa(i))
	}
	for _, pattern := range patterns {
		mux.Handle(pattern, http.HandlerFunc(silence))
		urls.Handle(pattern, nothing)
	}
	nested.Handle("/healthz", nothing)
	nested.Handle("/users/{id}", nothing)
	urls.Mount("/api", nested)
	inner := http.NewServeMux()
	inner.Handle("/healthz", http.HandlerFunc(silence))
	inner.Handle("/users/{id}", http.HandlerFunc(silence))
	mux.Handle("/api/", http.StripPrefix("/api", inner))
	return tree{router.Protocols{parley.HTTP: urls}, mux}
}

// paths are those that the tree is measured with, and how many allocations they may
// take: on the request two for the map that http.Request keeps values in, however many
// there are, in the scope none for three; and one for the scope below a mount.
var paths = []struct {
	name, path       string
	request, inScope float64
}{
	{"literal", "/healthz", 0, 0},
	{"of many", "/page7", 0, 0},
	{"method", "/users", 0, 0},
	{"wildcard", "/users/42", 2, 0},
	{"wildcards", "/users/42/posts/7", 2, 0},
	{"three", "/of/x/y/z", 2, 0},
	{"four", "/of/v/x/y/z", 4, 2},
	{"subtree", "/static/css/site.css", 0, 0},
	{"mount", "/api/healthz", 1, 1},
	{"mounted wildcard", "/api/users/42", 3, 1},
}

type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

func silence(http.ResponseWriter, *http.Request) {}

// BenchmarkServe measures Protocols and URLs against a ServeMux that is asked for
// the same path in the same run: "x mux" is how many times as long it takes.
func BenchmarkServe(b *testing.B) {
	for _, bench := range paths {
		b.Run(bench.name, func(b *testing.B) {
			tree := newTree(false)
			scope := &parley.Scope{Protocol: parley.HTTP,
				Request: httptest.NewRequest("GET", bench.path, nil)}
			fresh, r := *scope.Request, new(http.Request)
			ask := func() { *r = fresh; tree.mux.ServeHTTP(nowhere{}, r) }
			mux := measure(b, ask)
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				*scope.Request = fresh
				_ = tree.app.Serve(ctx, scope, nil)
			}
			own := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
			b.ReportMetric(own/mux, "x-mux")
			b.ReportMetric(testing.AllocsPerRun(100, ask), "mux-allocs")
		})
	}
}

// measure returns the nanoseconds that a call of f takes, apart from the
// benchmark's own time.
func measure(b *testing.B, f func()) float64 {
	b.Helper()
	const calls = 200_000
	start := time.Now()
	for range calls {
		f()
	}
	return float64(time.Since(start).Nanoseconds()) / calls
}

// BenchmarkProtocols measures the choice by protocol: "ns/choice" is what it
// adds to a call of the app.
func BenchmarkProtocols(b *testing.B) {
	ctx, scope := b.Context(), &parley.Scope{Protocol: parley.WebSocket}
	var app parley.App = router.Protocols{parley.HTTP: nothing, parley.WebSocket: nothing}
	bare := measure(b, func() { _ = nothing.Serve(ctx, scope, nil) })
	b.ReportAllocs()
	for b.Loop() {
		_ = app.Serve(ctx, scope, nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)-bare, "ns/choice")
}
