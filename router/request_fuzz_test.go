package router_test

import (
	"bufio"
	"context"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/router"
)

// nestedSite is routers in routers with patterns of every kind: what a request can
// meet. Which of the routers leave values in the scope, the bits of inScope tell.
func nestedSite(redirects bool, inScope int, app parley.App) *router.URLs {
	bit := func(i int) bool { return inScope>>i&1 == 1 }
	leaf := &router.URLs{Redirects: redirects, ScopeValues: bit(0)}
	leaf.Handle("/{x}", app, router.Int("x"))
	leaf.Handle("/{y}/{z...}", app, router.Path("z"))
	leaf.Handle("POST /{$}", app)
	middle := &router.URLs{Redirects: redirects, ScopeValues: bit(1)}
	middle.Mount("/{m}", leaf, router.Slug("m"))
	middle.Handle("/{r}", app, router.Regexp("r", regexp.MustCompile("[a-c%/ ]+")))
	middle.Handle("/x/", app)
	same := &router.URLs{Redirects: redirects, ScopeValues: bit(0)} // with a name of middle's
	same.Handle("/{r}/{x}/{m}", app, router.Int("x"))
	middle.Mount("/x/{r}", same, router.Slug("r"))
	open := &router.URLs{Redirects: redirects, NotFound: app}
	open.Handle("GET /a/b", app)
	u := &router.URLs{Redirects: redirects, ScopeValues: bit(2)}
	u.Mount("/{p}", middle)
	u.Mount("/a/{q}", leaf, router.UUID("q"))
	u.Mount("/a/open", open)
	u.Handle("CONNECT c.x/{c...}", app, router.Path("c"))
	u.Handle("h.x/a/{h}", app)
	u.Handle("DELETE h.x/{d}/{$}", app)
	u.Handle("/%2F/{s}", app)
	return u
}

// captured are the names of all values.
var captured = []string{"x", "y", "z", "m", "r", "p", "q", "c", "h", "d", "s"}

// FuzzRequest serves whatever net/http's own parser makes of what a client sends:
// it is answered once or reaches one app, which finds its scope in order.
func FuzzRequest(f *testing.F) {
	for _, line := range []string{
		"GET / HTTP/1.1", "CONNECT //x HTTP/1.1", "CONNECT h:80 HTTP/1.1", "CONNECT /a HTTP/1.1",
		"GET //x HTTP/1.1", "GET * HTTP/1.1", "OPTIONS * HTTP/1.1", "GET http://h.x HTTP/1.1",
		"GET http://h.x/a/b?q HTTP/1.0", "GET /a/%2F HTTP/1.1", "GET /%2f/7 HTTP/1.1",
		"GET /a/b/../c HTTP/1.1", "PUT /a/00000000-0000-0000-0000-000000000000/7 HTTP/1.1",
		"HEAD /ab/c%20%/x HTTP/1.1", "GET /a/open/a/b/ HTTP/1.1", "GET /%00/%ff/7 HTTP/1.1",
		"DELETE /x/ HTTP/1.1", "GET ?q HTTP/1.1", "GET mailto:x HTTP/1.1", "GET //h.x//a HTTP/1.1",
	} {
		f.Add(line+"\r\nHost: h.x:80\r\n\r\n", "")
		f.Add(line+"\r\nHost: \r\n\r\n", "/a")
	}
	f.Add("D /b/x HTTP/1.1\r\n\r\n", "")
	var v visitor
	const redirects = 8
	var sites []*router.URLs
	for i := range 16 {
		sites = append(sites, nestedSite(i&redirects != 0, i, parley.AppFunc(v.serve)))
	}
	f.Fuzz(func(t *testing.T, raw, root string) {
		for _, protocol := range []parley.Protocol{parley.HTTP, parley.WebSocket} {
			var values []string // of the site before
			for i, site := range sites {
				r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
				if err != nil {
					t.Skip()
				}
				v = visitor{t: t}
				r.SetPathValue("s", "of who stands in front")
				scope := &parley.Scope{Protocol: protocol, Request: r, RootPath: root}
				v.send(scope, site, i&redirects != 0 && protocol == parley.HTTP)
				if i%redirects > 0 && !slices.Equal(v.values, values) {
					t.Errorf("site %b has %q, and the one before %q", i, v.values, values)
				}
				values = v.values
			}
		}
	})
}

// visitor is the app that a request may reach, and looks at what it gets there.
type visitor struct {
	t      *testing.T
	visits int
	values []string
}

func (v *visitor) serve(_ context.Context, scope *parley.Scope, _ parley.Conn) error {
	v.visits++
	if !strings.HasPrefix(scope.RoutePath(), "/") {
		v.t.Errorf("path %q below %q of %v", scope.RoutePath(), scope.RootPath, scope.Request.URL)
	}
	if x := scope.PathValue("x"); x != "" {
		if _, err := strconv.Atoi(x); err != nil {
			v.t.Errorf("%q is no number", x)
		}
	}
	clone := scope.Clone()
	for _, name := range captured {
		if clone.PathValue(name) != scope.PathValue(name) {
			v.t.Errorf("a clone has %q for %s", clone.PathValue(name), name)
		}
		v.values = append(v.values, scope.PathValue(name))
	}
	for i, name := range captured {
		if value := clone.NativeRequest().PathValue(name); value != v.values[i] {
			v.t.Errorf("the request has %q for %s, and the scope %q", value, name, v.values[i])
		}
	}
	return nil
}

// send serves one conversation and looks at what has become of it.
func (v *visitor) send(scope *parley.Scope, site *router.URLs, redirects bool) {
	conn, before := new(tape), *scope.Request.URL
	if err := site.Serve(v.t.Context(), scope, conn); err != nil {
		v.t.Fatal(err)
	}
	status := conn.status()
	if v.visits > 1 || (v.visits == 1) != (status == 0) {
		v.t.Errorf("%d apps, and answered with %d", v.visits, status)
	}
	if status/100 == 3 && !redirects {
		v.t.Errorf("redirected to %v", conn.sent)
	}
	if *scope.Request.URL != before {
		v.t.Errorf("the URL has become %v", scope.Request.URL)
	}
	if v.visits > 0 || status/100 == 3 {
		return // a router below a mount redirects as an app of its route
	}
	for _, name := range captured {
		if value := scope.PathValue(name); value != "" && name != "s" {
			v.t.Errorf("%s is left behind as %q", name, value)
		}
	}
	if s := scope.NativeRequest().PathValue("s"); s != "of who stands in front" {
		v.t.Errorf("s has become %q", s)
	}
	if scope.Request.Pattern != "" {
		v.t.Errorf("pattern %q is left behind", scope.Request.Pattern)
	}
}
