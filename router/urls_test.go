package router_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/router"
)

// serveBehindMux serves one request with app at a pattern of an outer ServeMux.
func serveBehindMux(t *testing.T, pattern, path string, app parley.App) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc(pattern, func(_ http.ResponseWriter, r *http.Request) {
		r.SetPathValue("own", "set")
		serve(t, app, &parley.Scope{Protocol: parley.HTTP, Request: r})
	})
	mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
}

func TestRedirects(t *testing.T) {
	var g guestbook
	inner := &router.URLs{Redirects: true}
	inner.Handle("/tree/", g.app("inner"))
	u := &router.URLs{Redirects: true}
	u.Handle("/tree/", g.app("tree"))
	u.Handle("GET /gets/", g.app("gets"))
	u.Handle("/files/{name}/", g.app("files"))
	inner.Handle("/files/{name}/", g.app("inner files"))
	u.Mount("/m", inner)
	passing := new(router.URLs)
	passing.Handle("GET /{$}", g.app("passing")) // whose 405 the redirect goes before
	u.Mount("/p", passing)
	u.Handle("/p/{$}", g.app("p"))
	for _, test := range []struct {
		target, location string
		status           int
	}{
		{"/tree?q=1", "/tree/?q=1", 307},
		{"//tree/", "/tree/", 307},
		{"/tree/../tree/x", "/tree/x", 307},
		{"/m/tree?q=1", "/m/tree/?q=1", 307},
		{"/files/a%2Fb", "/files/a%2Fb/", 307},
		{"/files/%2F%2Fevil.example", "/files/%2F%2Fevil.example/", 307},
		{"/files/a%20b%25?q=%20", "/files/a%20b%25/?q=%20", 307},
		{"/files/a%3Fb", "/files/a%3Fb/", 307},
		{"//files/a%2Fb/", "/files/a%2Fb/", 307},
		{"/x/../files/a%20b%25/", "/files/a%20b%25/", 307},
		{"/m/files/a%2Fb", "/m/files/a%2Fb/", 307},
		{"/m//files/a%25/?q=%2f", "/m/files/a%25/?q=%2f", 307},
		{"POST /gets", "", 405},
		{"POST /p", "/p/", 307},
		{"/nope", "", 404},
		{"ws:/tree", "", 404},
		{"ws://tree/", "", 404},
		{"ws:/m/tree", "", 404},
	} {
		t.Run(test.target, func(t *testing.T) {
			status, header, _ := serve(t, u, scopeFor(test.target)).answer()
			if status != test.status || header.Get("Location") != test.location {
				t.Errorf("%d to %q, want %d to %q", status, header.Get("Location"), test.status, test.location)
			}
		})
	}
	if len(g.visits) > 0 {
		t.Errorf("served %+v", g.visits)
	}
}

func TestNotFoundApp(t *testing.T) {
	var g guestbook
	u := &router.URLs{NotFound: g.app("none")}
	u.Handle("POST /x", g.app("x"))
	inner := &router.URLs{NotFound: g.app("inner none")}
	inner.Handle("/y", g.app("y"))
	u.Mount("/m", inner)
	for target, want := range map[string]string{
		"/nope": "none", "ws:/nope": "none", "GET /x": "none", "//x": "none", "/m/nope": "inner none",
	} {
		g.visits = nil
		if conn := serve(t, u, scopeFor(target)); len(conn.sent) > 0 {
			t.Errorf("%s: sent %v", target, conn.sent)
		}
		if v := g.last(t); v.app != want || v.pattern != "" && v.app == "none" {
			t.Errorf("%s: %+v, want %s", target, v, want)
		}
	}
}

func TestPatternOnRequest(t *testing.T) {
	var g guestbook
	var u, inner router.URLs
	u.Handle("/literal", g.app(""))
	u.Handle("GET /w/{v}", g.app(""))
	inner.Handle("/literal", g.app(""))
	inner.Handle("/w/{v}", g.app(""))
	u.Mount("/m", &inner)
	for target, want := range map[string]string{
		"/literal": "/literal", "/w/1": "GET /w/{v}", "/m/literal": "/literal", "/m/w/1": "/w/{v}",
	} {
		g.visits = nil
		serve(t, &u, scopeFor(target))
		if got := g.last(t).pattern; got != want {
			t.Errorf("%s: pattern %q, want %q", target, got, want)
		}
	}
}

func TestNestedRouterReturnsPrivateError(t *testing.T) {
	var u router.URLs
	u.Handle("/x", nothing)
	conn := new(tape)
	err := u.Serve(t.Context(), scopeFor("/m/nope").Under("/m"), conn)
	if !errors.Is(err, parley.ErrNotFound) || err.Error() != "router: no route" || len(conn.sent) > 0 {
		t.Errorf("error %v, sent %v", err, conn.sent)
	}
}

// A router that is handed on with Handle, not with Mount, passes as well if the
// scope says that there is someone above.
func TestLiteralRoutePasses(t *testing.T) {
	var g guestbook
	var u, middle, innermost router.URLs
	innermost.Handle("/other", g.app("other"))
	middle.Handle("/x", &innermost)
	middle.Handle("/{v}", g.app("middle", "v"))
	u.Mount("/m", &middle)
	serve(t, &u, scopeFor("/m/x"))
	if v := g.last(t); v.app != "middle" || v.values["v"] != "x" {
		t.Errorf("%+v", v)
	}
}

// A literal route that passes still tells which methods it would have allowed.
func TestLiteralRoutePassesMethods(t *testing.T) {
	var u, middle, innermost router.URLs
	innermost.Handle("PUT /x", nothing)
	middle.Handle("/x", &innermost)
	u.Mount("/m", &middle)
	if status, header, _ := serve(t, &u, scopeFor("/m/x")).answer(); status != 405 ||
		header.Get("Allow") != "PUT" {
		t.Errorf("%d, allowed %q", status, header.Get("Allow"))
	}
}

func TestHandleGoesBeforeTheMountItself(t *testing.T) {
	for _, mountFirst := range []bool{true, false} {
		var g guestbook
		var u router.URLs
		if mountFirst {
			u.Mount("/a", g.app("mount"))
		}
		u.Handle("/a", g.app("page"))
		if !mountFirst {
			u.Mount("/a", g.app("mount"))
		}
		for target, want := range map[string]string{"/a": "page", "/a/": "mount", "/a/b": "mount"} {
			g.visits = nil
			serve(t, &u, scopeFor(target))
			if got := g.last(t).app; got != want {
				t.Errorf("%s: %q, want %q", target, got, want)
			}
		}
	}
}

func TestScopeWithoutRequest(t *testing.T) {
	var u router.URLs
	u.Handle("/", nothing)
	if conn := serve(t, &u, &parley.Scope{Protocol: parley.HTTP}); conn.status() != 404 {
		t.Errorf("status %d", conn.status())
	}
}

func TestServeManyAtOnce(t *testing.T) {
	var u, inner router.URLs
	fits := parley.AppFunc(func(_ context.Context, scope *parley.Scope, _ parley.Conn) error {
		if _, err := router.Param[int](scope, "id"); err != nil {
			t.Error(err)
		}
		return nil
	})
	u.Handle("/{id}", fits, router.Int("id"))
	u.Handle("/{name}", nothing)
	inner.Handle("/{id}", fits, router.Int("id"))
	u.Mount("/m", &inner)
	u.Handle("/", nothing)
	done := make(chan struct{})
	for range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for _, target := range []string{"/1", "/x", "/m/1", "/m/x", "/a/b", "ws:/1"} {
				if err := u.Serve(t.Context(), scopeFor(target), new(tape)); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	for range 4 {
		<-done
	}
}

// Places with many literals are looked up in another way than those with few.
func TestManyLiterals(t *testing.T) {
	var g guestbook
	var u router.URLs
	for i := range 40 {
		name := strconv.Itoa(i)
		u.Handle("/"+name, g.app(name))
		u.Handle("/"+name+"/{x}", g.app(name+"/x"))
	}
	u.Handle("/{x}", g.app("x"))
	for i := range 41 {
		name := strconv.Itoa(i)
		for target, want := range map[string]string{"/" + name: name, "/" + name + "/7": name + "/x"} {
			if i == 40 {
				want = map[string]string{"/40": "x", "/40/7": ""}[target]
			}
			g.visits = nil
			if serve(t, &u, scopeFor(target)); g.last(t).app != want {
				t.Errorf("%s: %+v, want %q", target, g.last(t), want)
			}
		}
	}
}

// A mount that passes gives back what its wildcards have hidden.
func TestPassingMountRestoresValues(t *testing.T) {
	var g guestbook
	u := &router.URLs{NotFound: g.app("none", "x", "y", "own")}
	u.Mount("/{y}/{x}", new(router.URLs))
	serveBehindMux(t, "/{x}/{y}", "/1/2", u)
	want := values{"x": "1", "y": "2", "own": "set"}
	if v := g.last(t); !maps.Equal(v.values, want) || v.pattern != "/{x}/{y}" {
		t.Errorf("%+v, want %v", v, want)
	}
}
