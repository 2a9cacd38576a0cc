package router_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/router"
)

// leadsAway reports whether browsers take a Location for another site's, or for the end of
// its line.
func leadsAway(location string) bool {
	return !strings.HasPrefix(location, "/") || strings.HasPrefix(location, "//") ||
		strings.HasPrefix(location, `/\`) || strings.ContainsAny(location, "\r\n")
}

// TestRedirectsStayHere: whoever makes up a path is led to one of this site, and from
// there nowhere else.
func TestRedirectsStayHere(t *testing.T) {
	g, inner, u := new(guestbook), &router.URLs{Redirects: true}, &router.URLs{Redirects: true}
	inner.Handle("/{name}/", g.app("inner name"))
	inner.Handle("/{rest...}", g.app("inner rest"))
	u.Handle("/{name}/", g.app("name"))
	u.Handle("/{rest...}", g.app("rest"))
	u.Mount("/m", inner)
	for _, target := range []string{
		"//evil.example", "///evil.example", "//evil.example/..", "//evil.example/%2e%2e",
		"/%2Fevil.example", "/%2f%2fevil.example", "/.//evil.example", "/..//evil.example",
		"/a/..//evil.example", "/a/../%2Fevil.example", "/%2e%2e//evil.example", "/%2e/%2e%2e",
		`/\evil.example`, `//\evil.example`, "/%5Cevil.example", "/%5c%5cevil.example", "/./%5Cevil",
		"/a%0d%0aSet-Cookie:%20a=b", "//a%0D%0AX: y", "//https:%2F%2Fevil.example", "//https://evil",
		"/m//evil.example", "/m/%2Fevil.example", "/m//..//..//evil.example", "/m/../../evil.example",
		"//m//evil.example", "/m%2F/evil.example", "/%6d//evil", "/m/.", "/m/%2e", "/m", "/m/a",
		"//@evil.example", "/?//evil.example", "//?a=//evil", "/a?https://evil/?x", "/%3F//evil.example",
		"/%23//evil", "//%00", "/%", "/ä//b", "//%C3%A4",
	} {
		location, err := url.ParseRequestURI(target)
		if err != nil {
			location = &url.URL{Path: target} // of a program that makes its own
		}
		for hops := 0; ; hops++ {
			answer := new(tape)
			r := &http.Request{Method: "GET", URL: location, Header: http.Header{}}
			scope := &parley.Scope{Protocol: parley.HTTP, Request: r}
			if err := u.Serve(t.Context(), scope, answer); err != nil {
				t.Fatal(err)
			}
			if answer.status()/100 != 3 {
				break
			}
			_, header, _ := answer.answer()
			next := header.Get("Location")
			if leadsAway(next) || hops > 1 {
				t.Errorf("%q leads to %q, after %d others", target, next, hops)
				break
			}
			if location, err = url.ParseRequestURI(next); err != nil {
				t.Errorf("%q leads to %q: %v", target, next, err)
				break
			}
		}
	}
}
