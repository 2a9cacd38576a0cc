package router_test

import (
	"context"
	"net/http"
	"net/http/httptest"
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

func newTree() tree {
	mux, urls, nested := http.NewServeMux(), new(router.URLs), new(router.URLs)
	patterns := []string{"/healthz", "GET /users", "/users/{id}", "/users/{id}/posts/{post}",
		"/static/"}
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
// take: two for the map that http.Request keeps values in, however many there are,
// and one for the scope below a mount.
var paths = []struct {
	name, path string
	allocs     float64
}{
	{"literal", "/healthz", 0},
	{"method", "/users", 0},
	{"wildcard", "/users/42", 2},
	{"wildcards", "/users/42/posts/7", 2},
	{"subtree", "/static/css/site.css", 0},
	{"mount", "/api/healthz", 1},
	{"mounted wildcard", "/api/users/42", 3},
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
			tree := newTree()
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
