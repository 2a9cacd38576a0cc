package router_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/router"
)

// FuzzMatch compares the router with http.ServeMux: the same patterns must be
// taken or refused, and for every path the same one chosen with the same
// values, or the same answer given. Without redirects a path that ServeMux
// redirects may go to a less specific pattern, but not to another answer.
func FuzzMatch(f *testing.F) {
	f.Add("/\n/a\n/a/\n/a/{$}\n/a/{x}\nGET /a/b\n/c/{rest...}", "GET", "h", "/a/b")
	f.Add("/{x}/b\n/a/{y}\n/{x}/{y}", "POST", "h", "/a%2Fb/c")
	f.Add("POST /a\nh/a\nh/\n/a/b/", "GET", "h:80", "/a")
	f.Add("/a/b/\n/a/{x...}", "HEAD", "", "/a/b")
	f.Add("GET /tree/\n/tree/{$}", "POST", "", "//tree/../tree")
	f.Add("CONNECT /a//b\n/%61\n/a%2Fb", "CONNECT", "h", "/a//b")
	f.Fuzz(func(t *testing.T, patterns, method, host, target string) {
		if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") || method == "" {
			t.Skip()
		}
		agree(t, strings.Split(patterns, "\n"), method, host, target)
	})
}

// TestMatch does the same for sites made up of a few segments, where patterns
// meet more often.
func TestMatch(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	for range 300 {
		var patterns []string
		for range 1 + random.IntN(8) {
			pattern := pick("", "", "", "GET ", "POST ") + pick("", "", "", "", "h")
			for range random.IntN(3) {
				pattern += pick("/a", "/b", "/{x}", "/a%2Fb")
			}
			patterns = append(patterns, pattern+pick("/", "/a", "/b", "/{y}", "/{$}", "/{z...}"))
		}
		for range 10 {
			var target string
			for range 1 + random.IntN(3) {
				target += pick("/a", "/b", "/c", "/a%2Fb", "/")
			}
			if !strings.HasPrefix(target, "//") {
				agree(t, patterns, pick("GET", "HEAD", "POST", "PUT"), pick("h", "g", "h:80"), target)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// agree checks that routers and a ServeMux answer one request alike.
func agree(t *testing.T, patterns []string, method, host, target string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("%s %s of %q with %q", method, target, host, patterns)
		}
	}()
	location, err := url.ParseRequestURI(target)
	if err != nil {
		t.Skip()
	}
	request := func() *http.Request {
		u := *location
		return &http.Request{Method: method, Host: host, URL: &u, Header: http.Header{}}
	}
	mux, plain, redirecting, chosen := both(patterns)
	want, wantAnswer := request(), httptest.NewRecorder()
	mux.ServeHTTP(wantAnswer, want)

	got, answer := request(), new(tape)
	*chosen = nil
	if err := redirecting.Serve(t.Context(), &parley.Scope{Protocol: parley.HTTP, Request: got}, answer); err != nil {
		t.Fatal(err)
	}
	compare(t, wantAnswer, want, answer, *chosen, false)

	redirected := wantAnswer.Code/100 == 3
	got, answer = request(), new(tape)
	*chosen = nil
	if err := plain.Serve(t.Context(), &parley.Scope{Protocol: parley.HTTP, Request: got}, answer); err != nil {
		t.Fatal(err)
	}
	switch status := answer.status(); {
	case redirected && status/100 == 3:
		t.Fatalf("redirected to %v", answer.sent)
	case !redirected:
		compare(t, wantAnswer, want, answer, *chosen, true)
	}
}

// both registers the patterns that ServeMux accepts with a ServeMux and with two
// routers, one of which redirects. chosen is the request as its app sees it.
func both(patterns []string) (mux *http.ServeMux, plain, redirecting *router.URLs, chosen **http.Request) {
	mux, plain, redirecting, chosen = http.NewServeMux(), new(router.URLs), &router.URLs{Redirects: true}, new(*http.Request)
	app := parley.AppFunc(func(_ context.Context, scope *parley.Scope, _ parley.Conn) error {
		*chosen = scope.Request
		return nil
	})
	for _, pattern := range patterns {
		if !panics(func() { plain.Handle(pattern, app) }) {
			redirecting.Handle(pattern, app)
			mux.HandleFunc(pattern, silence) // panics if only the router takes it
		} else if !unclean(pattern) && !panics(func() { mux.HandleFunc(pattern, silence) }) {
			panic("only ServeMux takes " + pattern)
		}
	}
	return mux, plain, redirecting, chosen
}

// unclean tells that the router refuses a pattern that never matches.
func unclean(pattern string) bool {
	return panics(func() { http.NewServeMux().HandleFunc("GET "+pattern[strings.IndexByte(pattern+"/", '/'):], silence) })
}

func panics(f func()) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	f()
	return false
}

// compare checks an answer, or the request of the app that was chosen, against
// ServeMux. An answer may be narrower: without the methods that ServeMux would
// redirect.
func compare(t *testing.T, want *httptest.ResponseRecorder, r *http.Request, got *tape, chosen *http.Request, narrower bool) {
	t.Helper()
	status, header, body := got.answer()
	if chosen == nil {
		if narrower && want.Code == 405 && (status == 405 || status == 404) {
			return
		}
		if status != want.Code || body != want.Body.String() {
			t.Fatalf("answered %d %q, want %d %q", status, body, want.Code, want.Body)
		}
		if header.Get("Location") != want.Header().Get("Location") {
			t.Fatalf("redirected to %q, want %q", header.Get("Location"), want.Header().Get("Location"))
		}
		if header.Get("Allow") != want.Header().Get("Allow") {
			t.Fatalf("allowed %q, want %q", header.Get("Allow"), want.Header().Get("Allow"))
		}
		return
	}
	if want.Code != 200 || chosen.Pattern != r.Pattern {
		t.Fatalf("chose %q, want %d %q", chosen.Pattern, want.Code, r.Pattern)
	}
	for _, part := range strings.Split(r.Pattern, "{") {
		name, _, _ := strings.Cut(strings.TrimSuffix(part, "..."), "}")
		if name = strings.TrimSuffix(name, "..."); chosen.PathValue(name) != r.PathValue(name) {
			t.Fatalf("value %s is %q, want %q", name, chosen.PathValue(name), r.PathValue(name))
		}
	}
}

// FuzzConstraints holds that what a constraint lets through is what it says.
func FuzzConstraints(f *testing.F) {
	for _, seed := range []string{"007", "9223372036854775808", "a-b_C", "0123abcd-4567-89ef-0123-456789abcdef", "", "ü", "+1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, constraint := range []router.Constraint{router.Int("v"), router.Slug("v"), router.UUID("v"), router.Path("v")} {
			var u router.URLs
			u.Handle("/{v...}", parley.AppFunc(func(_ context.Context, scope *parley.Scope, _ parley.Conn) error {
				if scope.PathValue("v") == "" {
					t.Error("an empty value fits")
				}
				return nil
			}), constraint)
			scope := scopeFor("/")
			scope.Request.URL.Path = "/" + value
			if err := u.Serve(t.Context(), scope, new(tape)); err != nil {
				t.Fatal(err)
			}
		}
		var u router.URLs
		u.Handle("/{v...}", parley.AppFunc(func(_ context.Context, scope *parley.Scope, _ parley.Conn) error {
			if n, err := router.Param[int](scope, "v"); err != nil || n < 0 {
				t.Errorf("%q became %d, %v", scope.PathValue("v"), n, err)
			}
			return nil
		}), router.Int("v"))
		scope := scopeFor("/")
		scope.Request.URL.Path = "/" + value
		if err := u.Serve(t.Context(), scope, new(tape)); err != nil {
			t.Fatal(err)
		}
	})
}
