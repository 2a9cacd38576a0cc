package router_test

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/router"
)

// values is what a route has captured.
type values map[string]string

// site sets up the routes of a rule. Apps of g are told apart by name.
type site func(u *router.URLs, g *guestbook)

// rules has a case for each answer of table B1. An empty app means that no app
// is served and the conversation is answered with 404.
var rules = []struct {
	name   string
	site   site
	target string
	app    string
	values values
}{
	{"B1.2 the more specific pattern wins", ordered, "/a/b", "literal", nil},
	{"B1.2 whatever the order", ordered, "/a/c", "wildcard", values{"x": "c"}},
	{"B1.2 of equals the first that fits", ordered, "/n/7", "int", values{"id": "7"}},
	{"B1.2 of equals the next", ordered, "/n/seven", "any", values{"name": "seven"}},
	{"B1.2 of equals that constrain another value", ordered, "/p/x/7", "page",
		values{"name": "x", "page": "7"}},
	{"B1.2 methods", ordered, "POST /m", "post", nil},
	{"B1.2 GET serves HEAD", ordered, "HEAD /m", "get", nil},
	{"B1.2 a host goes first", ordered, "example.org/a/b", "host", nil},
	{"B1.2 on sockets as well", ordered, "ws:/a/b", "literal", nil},

	{"B1.3 int", typed, "/int/42", "int", values{"v": "42"}},
	{"B1.3 int with zeros", typed, "/int/007", "int", values{"v": "007"}},
	{"B1.3 int out of range", typed, "/int/99999999999999999999", "", nil},
	{"B1.3 int below zero", typed, "/int/-1", "", nil},
	{"B1.3 int with a plus", typed, "/int/+1", "", nil},
	{"B1.3 int of no digits", typed, "/int/x", "", nil},
	{"B1.3 str holds no slash", typed, "/str/a/b", "", nil},
	{"B1.3 str is not empty", typed, "/str/", "", nil},
	{"B1.3 slug", typed, "/slug/a-B_9", "slug", values{"v": "a-B_9"}},
	{"B1.3 slug of something else", typed, "/slug/a.b", "", nil},
	{"B1.3 uuid", typed, "/uuid/0123abcd-4567-89ef-0123-456789abcdef", "uuid",
		values{"v": "0123abcd-4567-89ef-0123-456789abcdef"}},
	{"B1.3 uuid in upper case", typed, "/uuid/0123ABCD-4567-89EF-0123-456789ABCDEF", "", nil},
	{"B1.3 uuid without hyphens", typed, "/uuid/0123abcd0456700890ef00123045678900cd", "", nil},
	{"B1.3 path holds slashes", typed, "/path/a/b", "path", values{"v": "a/b"}},
	{"B1.3 path is not empty", typed, "/path/", "", nil},
	{"B1.3 a misfit on a socket", typed, "ws:/int/x", "", nil},

	{"B1.6 an expression is anchored", anchored, "/re/bar", "re", values{"v": "bar"}},
	{"B1.6 at its beginning", anchored, "/re/xbar", "", nil},
	{"B1.6 at its end", anchored, "/re/barx", "", nil},
	{"B1.6 in all its branches", anchored, "/alt/ab", "alt", values{"v": "ab"}},
	{"B1.6 no suffix of a literal", anchored, "/foobar", "", nil},
	{"B1.6 a mount is a prefix", anchored, "/mount/and/more", "mount", nil},

	{"B1.7 one slash", slashes, "/x", "x", nil},
	{"B1.7 two slashes", slashes, "//x", "", nil},
	{"B1.7 two slashes on a socket", slashes, "ws://x", "", nil},
	{"B1.7 two slashes inside", slashes, "/sub//x", "", nil},
	{"B1.7 two slashes below a mount", slashes, "/mount//x", "", nil},
	{"B1.7 dots", slashes, "/a/../x", "", nil},
	{"B1.7 two slashes of CONNECT", slashes, "CONNECT //x", "", nil},
	{"B1.7 two slashes of CONNECT and a wildcard", nested, "CONNECT //acme/plain", "", nil},
	{"B1.7 two slashes of CONNECT and a constraint", ordered, "CONNECT /n//", "", nil},
	{"B1.7 two slashes of CONNECT and a catch-all", caught, "CONNECT //x", "", nil},

	{"B1.8 with the slash", slashes, "/tree/", "tree", nil},
	{"B1.8 without the slash", slashes, "/tree", "", nil},
	{"B1.8 without the slash on a socket", slashes, "ws:/tree", "", nil},
	{"B1.8 a slash too many", slashes, "/x/", "", nil},
	{"B1.8 not known by another method either", slashes, "POST /gets", "", nil},
	{"B1.8 the mount itself", slashes, "/mount", "root", nil},
	{"B1.8 the mount with a slash", slashes, "/mount/", "root", nil},
	{"B1.8 a catch-all gets what has no slash", caught, "/tree", "all", nil},

	{"B1.9 names of all levels", nested, "/t/acme/u/7", "user", values{"tenant": "acme", "id": "7"}},
	{"B1.9 the inner wins", nested, "/t/acme/same/inner", "same", values{"tenant": "inner"}},
	{"B1.9 a literal below", nested, "/t/acme/plain", "plain", values{"tenant": "acme"}},
	{"B1.9 three levels", nested, "/t/acme/deep/x/leaf/y", "leaf",
		values{"tenant": "acme", "mid": "x", "end": "y"}},
	{"B1.9 many values", nested, "/many/1/2/3/4/5/down/6", "many",
		values{"a": "1", "b": "2", "c": "3", "d": "4", "e": "5", "f": "6"}},
	{"B1.9 captured decoded", nested, "/t/a%20b/u/c%2Fd", "user",
		values{"tenant": "a b", "id": "c/d"}},

	{"B1.10 served by the mount", falling, "/m/known", "mounted", nil},
	{"B1.10 the next route", falling, "/m/unknown", "next", values{"rest": "unknown", "id": ""}},
	{"B1.10 over two levels", falling, "/m/two/unknown", "next", values{"rest": "two/unknown"}},
	{"B1.10 captures of a failed mount are gone", falling, "/w/1/unknown", "all",
		values{"id": "", "rest": "w/1/unknown"}},
	{"B1.10 no next route", slashes, "/mount/unknown", "", nil},
	{"B1.10 on sockets", falling, "ws:/m/unknown", "next", values{"rest": "unknown"}},

	{"B1.12 behind middleware", wrapped, "/m/7", "mounted", values{"id": "7"}},
	{"B1.12 falls through middleware", wrapped, "/m/x/y", "next", nil},

	{"B1.14 no route", slashes, "/nope", "", nil},
	{"B1.14 no route for a socket", slashes, "ws:/nope", "", nil},

	{"B1.17 an escaped slash separates nothing", escaped, "/files/a%2Fb", "file",
		values{"name": "a/b"}},
	{"B1.17 an escaped slash in a literal", escaped, "/lit%2Feral", "literal", nil},
	{"B1.17 is not a slash", escaped, "/lit/eral", "", nil},
	{"B1.17 escaped letters are letters", escaped, "/%66iles/x", "file", values{"name": "x"}},
	{"B1.17 below a mount", escaped, "/m%2F/a%2Fb", "", nil},
	{"B1.17 in what a mount consumes", escaped, "/root/a%2Fb/leaf", "leaf", values{"dir": "a/b"}},
	{"B1.17 a slash alone is a segment", escaped, "/files/%2F", "file", values{"name": "/"}},
	{"B1.17 other scripts", escaped, "/%C3%A9t%C3%A9", "été", nil},
}

func TestRules(t *testing.T) {
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			var g guestbook
			var u router.URLs
			rule.site(&u, &g)
			conn := serve(t, &u, scopeFor(rule.target))
			v := g.last(t)
			if v.app != rule.app {
				t.Fatalf("%s was served by %q, want %q", rule.target, v.app, rule.app)
			}
			if rule.app == "" && conn.status() != 404 {
				t.Errorf("status %d, want 404", conn.status())
			}
			for name, want := range rule.values {
				if got := v.values[name]; got != want {
					t.Errorf("value %s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

func ordered(u *router.URLs, g *guestbook) {
	u.Handle("/a/{x}", g.app("wildcard", "x"))
	u.Handle("/a/b", g.app("literal"))
	u.Handle("/n/{id}", g.app("int", "id"), router.Int("id"))
	u.Handle("/n/{name}", g.app("any", "name"))
	u.Handle("/p/{name}/{page}", g.app("named", "name", "page"), router.Int("name"))
	u.Handle("/p/{name}/{page}", g.app("page", "name", "page"), router.Int("page"))
	u.Handle("GET /m", g.app("get"))
	u.Handle("POST /m", g.app("post"))
	u.Handle("example.org/a/", g.app("host"))
}

func typed(u *router.URLs, g *guestbook) {
	u.Handle("/int/{v}", g.app("int", "v"), router.Int("v"))
	u.Handle("/str/{v}", g.app("str", "v"))
	u.Handle("/slug/{v}", g.app("slug", "v"), router.Slug("v"))
	u.Handle("/uuid/{v}", g.app("uuid", "v"), router.UUID("v"))
	u.Handle("/path/{v...}", g.app("path", "v"), router.Path("v"))
}

func anchored(u *router.URLs, g *guestbook) {
	u.Handle("/re/{v}", g.app("re", "v"), router.Regexp("v", regexp.MustCompile("bar")))
	u.Handle("/alt/{v}", g.app("alt", "v"), router.Regexp("v", regexp.MustCompile("a|ab")))
	u.Handle("/foo", g.app("foo"))
	u.Mount("/mount", g.app("mount"))
}

func slashes(u *router.URLs, g *guestbook) {
	u.Handle("/x", g.app("x"))
	u.Handle("/sub/x", g.app("sub"))
	u.Handle("/tree/", g.app("tree"))
	u.Handle("GET /gets/", g.app("gets"))
	mounted := new(router.URLs)
	mounted.Handle("/{$}", g.app("root"))
	mounted.Handle("/x", g.app("mounted"))
	u.Mount("/mount", mounted)
}

func caught(u *router.URLs, g *guestbook) {
	u.Handle("/tree/", g.app("tree"))
	u.Handle("/", g.app("all"))
}

func nested(u *router.URLs, g *guestbook) {
	var tenant, deep router.URLs
	tenant.Handle("/u/{id}", g.app("user", "tenant", "id"))
	tenant.Handle("/same/{tenant}", g.app("same", "tenant"))
	tenant.Handle("/plain", g.app("plain", "tenant"))
	deep.Handle("/leaf/{end}", g.app("leaf", "tenant", "mid", "end"))
	tenant.Mount("/deep/{mid}", &deep)
	u.Mount("/t/{tenant}", &tenant)
	var many router.URLs
	many.Handle("/down/{f}", g.app("many", "a", "b", "c", "d", "e", "f"))
	u.Mount("/many/{a}/{b}/{c}/{d}/{e}", &many)
}

func falling(u *router.URLs, g *guestbook) {
	var one, two, wild router.URLs
	two.Handle("/known", g.app("deep"))
	one.Handle("/known", g.app("mounted"))
	one.Mount("/two", &two)
	u.Mount("/m", &one)
	u.Handle("/{id}/{rest...}", g.app("next", "rest", "id"),
		router.Regexp("id", regexp.MustCompile("never")))
	u.Handle("/m/{rest...}", g.app("next", "rest", "id"), router.Path("rest"))
	wild.Handle("/known", g.app("wild"))
	u.Mount("/w/{id}", &wild)
	u.Handle("/{rest...}", g.app("all", "rest", "id"))
}

func wrapped(u *router.URLs, g *guestbook) {
	var inner router.URLs
	inner.Handle("/{id}", g.app("mounted", "id"))
	passesOn := func(next parley.App) parley.App {
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			if err := next.Serve(ctx, scope.Clone(), struct{ parley.Conn }{conn}); err != nil {
				return errors.Join(errors.New("wrapped"), err)
			}
			return nil
		})
	}
	u.Mount("/m", parley.Chain(&inner, passesOn, passesOn))
	u.Handle("/", g.app("next"))
}

func escaped(u *router.URLs, g *guestbook) {
	u.Handle("/files/{name}", g.app("file", "name"))
	u.Handle("/lit%2Feral", g.app("literal"))
	u.Handle("/été", g.app("été"))
	var inner router.URLs
	inner.Handle("/leaf", g.app("leaf", "dir"))
	u.Mount("/root/{dir}", &inner)
	u.Mount("/m", &inner)
}

func TestRulesAnswers(t *testing.T) {
	var u router.URLs
	var g guestbook
	u.Handle("GET /get", g.app("get"))
	u.Handle("POST /get/{id}", g.app("post"), router.Int("id"))
	u.Handle("/tree/", g.app("tree"))
	var inner router.URLs
	inner.Handle("PUT /put", g.app("put"))
	u.Mount("/mount", &inner)
	for _, test := range []struct {
		name, target, allow, body string
		status                    int
	}{
		{"B1.14 not found", "/nope", "", "404 page not found\n", 404},
		{"B1.14 denied before the upgrade", "ws:/nope", "", "404 page not found\n", 404},
		{"B1.14 wrong method", "POST /get", "GET, HEAD", "Method Not Allowed\n", 405},
		{"B1.14 wrong method and a value that does not fit", "GET /get/x", "", "404 page not found\n",
			404},
		{"B1.14 wrong method below a mount", "GET /mount/put", "PUT", "Method Not Allowed\n", 405},
		{"B1.14 wrong method of a socket", "ws:/get/7", "", "404 page not found\n", 404},
		{"B1.14 of the whole server", "OPTIONS /nope", "", "404 page not found\n", 404},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, header, body := serve(t, &u, scopeFor(test.target)).answer()
			if status != test.status || header.Get("Allow") != test.allow || body != test.body {
				t.Errorf("%d %q %q, want %d %q %q", status, header.Get("Allow"), body, test.status, test.allow,
					test.body)
			}
			if got := header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
				t.Errorf("Content-Type %q", got)
			}
		})
	}
}

func TestRulesRootPath(t *testing.T) {
	for _, test := range []struct {
		name, root, path, app, below string
	}{
		{"B1.13 below the root", "/root", "/root/x", "x", "/x"},
		{"B1.13 the root itself", "/root", "/root", "index", "/"},
		{"B1.13 on a segment boundary", "/root", "/rootfoo/x", "", ""},
		{"B1.13 outside", "/root", "/x", "", ""},
		{"B1.13 escaped", "/a b", "/a%20b/x", "x", "/x"},
		{"B1.13 with a wildcard below", "/root", "/root/w/7", "w", "/w/7"},
		{"B1.13 with a mount below", "/root", "/root/m/x", "x", "/x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var g guestbook
			var u, inner router.URLs
			u.Handle("/x", g.app("x"))
			u.Handle("/{$}", g.app("index"))
			u.Handle("/w/{v}", g.app("w"))
			inner.Handle("/x", g.app("x"))
			u.Mount("/m", &inner)
			scope := scopeFor(test.path)
			scope.RootPath = test.root
			conn := serve(t, &u, scope)
			v := g.last(t)
			if v.app != test.app || v.path != test.below {
				t.Errorf("served by %q with %q, want %q with %q", v.app, v.path, test.app, test.below)
			}
			if test.app == "" && conn.status() != 404 {
				t.Errorf("status %d, want 404", conn.status())
			}
		})
	}
}

func TestRulesMount(t *testing.T) {
	for _, test := range []struct {
		name, prefix, path, root, below string
	}{
		{"B1.9 consumed", "/a", "/a/b/c", "/a", "/b/c"},
		{"B1.9 nothing left", "/a", "/a", "/a", "/"},
		{"B1.9 a slash left", "/a", "/a/", "/a", "/"},
		{"B1.9 a slash at the end of the prefix", "/a/", "/a/b/", "/a", "/b/"},
		{"B1.9 wildcards", "/t/{id}/x", "/t/a%2Fb/x/y", "/t/a/b/x", "/y"},
		{"B1.9 everything", "/", "/a/b", "", "/a/b"},
		{"B1.13 segment boundary", "/a", "/ab", "-", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var g guestbook
			var u router.URLs
			u.Mount(test.prefix, g.app("app"))
			scope := scopeFor(test.path)
			before := *scope.Request.URL
			serve(t, &u, scope)
			if v := g.last(t); v.app == "" != (test.root == "-") || v.app != "" &&
				(v.root != test.root || v.path != test.below) {
				t.Errorf("%+v, want root %q and path %q", v, test.root, test.below)
			}
			if *scope.Request.URL != before || scope.RootPath != "" {
				t.Error("the scope above was changed")
			}
		})
	}
}

func TestRulesErrorsOfApps(t *testing.T) {
	boom := errors.New("boom")
	for _, test := range []struct {
		name string
		err  error
	}{
		{"B1.11 not found inside the app is the app's", parley.ErrNotFound},
		{"B1.11 any other error too", boom},
		{"B1.11 an unsupported protocol too", &parley.UnsupportedProtocolError{Protocol: parley.Channel}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var g guestbook
			var u, inner router.URLs
			inner.Handle("/x", parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error {
				return test.err
			}))
			u.Mount("/m", &inner)
			u.Handle("/", g.app("next"))
			conn := new(tape)
			if err := u.Serve(t.Context(), scopeFor("/m/x"), conn); err != test.err {
				t.Errorf("error %v, want %v", err, test.err)
			}
			if v := g.last(t); v.app != "" || len(conn.sent) > 0 {
				t.Errorf("served %+v, sent %v", v, conn.sent)
			}
		})
	}
}

func TestRulesOuterCaptures(t *testing.T) {
	for _, test := range []struct {
		name, pattern string
		want          values
	}{
		{"B1.9 a literal keeps them", "/t/acme/u", values{"tenant": "acme", "rest": "u", "own": "set"}},
		{"B1.9 a wildcard adds to them", "/t/acme/{leaf}",
			values{"tenant": "acme", "rest": "u", "leaf": "u", "own": "set"}},
		{"B1.9 the inner wins over them", "/t/{rest}/u",
			values{"tenant": "acme", "rest": "acme", "own": "set"}},
		{"B1.9 no route leaves them", "/nope", values{"tenant": "acme", "rest": "u", "own": "set"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var g guestbook
			names := []string{"tenant", "rest", "leaf", "own"}
			u := &router.URLs{NotFound: g.app("none", names...)}
			u.Handle(test.pattern, g.app("app", names...))
			serveBehindMux(t, "/t/{tenant}/{rest...}", "/t/acme/u", u)
			got := g.last(t).values
			maps.DeleteFunc(got, func(_, v string) bool { return v == "" })
			if !maps.Equal(got, test.want) {
				t.Errorf("values %v, want %v", got, test.want)
			}
		})
	}
}
