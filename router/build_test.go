package router_test

import (
	"context"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/router"
)

// buildRules has the mistakes that are found at registration: B1.16, and B1.5
// in so far as nothing can be added to captures.
var buildRules = []struct {
	name, says string
	build      func(u *router.URLs)
}{
	{"B1.16 empty pattern", "pattern", func(u *router.URLs) { u.Handle("", nothing) }},
	{"B1.16 no slash", "missing /", func(u *router.URLs) { u.Handle("x", nothing) }},
	{"B1.16 bad wildcard", "wildcard", func(u *router.URLs) { u.Handle("/{", nothing) }},
	{"B1.16 wildcard inside a segment", "wildcard", func(u *router.URLs) {
		u.Handle("/a{b}", nothing)
	}},
	{"B1.16 the same name twice", "duplicate", func(u *router.URLs) { u.Handle("/{a}/{a}", nothing) }},
	{"B1.16 bad method", "method", func(u *router.URLs) { u.Handle("G(T /", nothing) }},
	{"B1.16 path that never matches", "clean", func(u *router.URLs) { u.Handle("/a//b", nothing) }},
	{"B1.16 nil app", "nil", func(u *router.URLs) { u.Handle("/", nil) }},
	{"B1.16 nil func", "nil", func(u *router.URLs) { u.Handle("/", parley.AppFunc(nil)) }},
	{"B1.16 nil mount", "nil", func(u *router.URLs) { u.Mount("/", nil) }},
	{"B1.16 the same pattern", "conflicts", func(u *router.URLs) {
		u.Handle("/a", nothing)
		u.Handle("/a", nothing)
	}},
	{"B1.16 the same shape", "conflicts", func(u *router.URLs) {
		u.Handle("/{a}", nothing)
		u.Handle("/{b}", nothing)
	}},
	{"B1.16 overlapping", "conflicts", func(u *router.URLs) {
		u.Handle("/{a}/x", nothing)
		u.Handle("/x/{b}", nothing)
	}},
	{"B1.16 the same constraint", "conflicts", func(u *router.URLs) {
		u.Handle("/{a}", nothing, router.Int("a"))
		u.Handle("/{a}", nothing, router.Int("a"))
	}},
	{"B1.16 unreachable", "conflicts", func(u *router.URLs) {
		u.Handle("/{a}", nothing)
		u.Handle("/{a}", nothing, router.Int("a"))
	}},
	{"B1.16 the same mount", "conflicts", func(u *router.URLs) {
		u.Mount("/a", nothing)
		u.Mount("/a/", nothing)
	}},
	{"B1.16 mount below a subtree", "conflicts", func(u *router.URLs) {
		u.Handle("/a/", nothing)
		u.Mount("/a", nothing)
	}},
	{"B1.16 mount without a slash", "slash", func(u *router.URLs) { u.Mount("a", nothing) }},
	{"B1.16 empty mount", "slash", func(u *router.URLs) { u.Mount("", nothing) }},
	{"B1.16 mount with a method", "slash", func(u *router.URLs) { u.Mount("GET /a", nothing) }},
	{"B1.16 mount with a host", "slash", func(u *router.URLs) { u.Mount("example.org/a", nothing) }},
	{"B1.16 mount of everything below", "rest", func(u *router.URLs) {
		u.Mount("/{all...}", nothing)
	}},
	{"B1.16 mount of an end", "rest", func(u *router.URLs) { u.Mount("/a/{$}", nothing) }},
	{"B1.16 unclean mount", "clean", func(u *router.URLs) { u.Mount("/a//", nothing) }},
	{"B1.5 constraint of nothing", "names no wildcard", func(u *router.URLs) {
		u.Handle("/{a}", nothing, router.Int("b"))
	}},
	{"B1.5 empty constraint", "names no wildcard", func(u *router.URLs) {
		u.Handle("/{a}", nothing, router.Constraint{})
	}},
	{"B1.5 two constraints", "two constraints", func(u *router.URLs) {
		u.Handle("/{a}", nothing, router.Int("a"), router.Slug("a"))
	}},
	{"B1.6 nil expression", "nil", func(u *router.URLs) {
		u.Handle("/{a}", nothing, router.Regexp("a", nil))
	}},
	{"B1.16 too late for the lifespan", "before the first Serve", func(u *router.URLs) {
		_ = u.Serve(context.Background(), &parley.Scope{Protocol: parley.Lifespan}, new(tape))
		u.Mount("/late", nothing)
	}},
	{"B1.16 too late", "before the first Serve", func(u *router.URLs) {
		_ = u.Serve(context.Background(), scopeFor("/"), new(tape))
		u.Handle("/late", nothing)
	}},
}

func TestRulesBuild(t *testing.T) {
	for _, rule := range buildRules {
		t.Run(rule.name, func(t *testing.T) {
			message := mustPanic(t, func() { rule.build(new(router.URLs)) })
			if !strings.HasPrefix(message, "router: ") || !strings.Contains(message, rule.says) {
				t.Errorf("panic %q does not say %q", message, rule.says)
			}
			if strings.Contains(message, ".go:") {
				t.Errorf("panic %q points into the router", message)
			}
		})
	}
}
