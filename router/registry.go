package router

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/wiring"
)

// registry is the list of routes before they serve. Whatever is wrong with one
// panics here, at start-up.
type registry struct {
	entries []entry       // those of one shape in order of precedence
	order   []parley.App  // as registered
	shapes  http.ServeMux // has a pattern of each shape, to tell which conflict
}

func (g *registry) handle(c registration) {
	p := c.pattern(c.text)
	e := entry{pattern: p, route: c.route(p)}
	g.insert(c, e)
	g.order = append(g.order, c.app)
}

func (g *registry) mount(c registration) {
	c.require(strings.HasPrefix(c.text, "/"), "the prefix must begin with a slash")
	prefix := strings.TrimSuffix(c.text, "/")
	c.require(!strings.HasSuffix(prefix, "{$}") && !strings.HasSuffix(prefix, "...}"),
		"the prefix must leave the rest of the path to the app")
	below := c.pattern(prefix + "/")
	rt := c.route(below)
	rt.mount, rt.consumes = true, strings.Count(prefix, "/")
	if prefix != "" {
		g.insert(c, entry{pattern: c.pattern(prefix), route: rt, bare: true})
	}
	g.insert(c, entry{pattern: below, route: rt})
	g.order = append(g.order, c.app)
}

// insert adds an entry after those of the same shape, except that the bare
// prefix of a mount comes after any pattern that names the same path.
func (g *registry) insert(c registration, e entry) {
	shape, at, like := e.shape(), len(g.entries), 0
	for i, other := range g.entries {
		if other.shape() != shape {
			continue
		}
		like++
		switch {
		case other.bare && !e.bare:
			at = min(at, i)
		case other.bare == e.bare:
			c.requireReachable(e, other)
		}
	}
	if like == 0 {
		c.accepted(&g.shapes, e.text)
	}
	g.entries = slices.Insert(g.entries, at, e)
}

// registration is one call of Handle or Mount: what is wanted, and a panic that
// names it.
type registration struct {
	call        string
	text        string
	app         parley.App
	constraints []Constraint
}

// require panics unless the rule holds.
func (c registration) require(holds bool, rule string, args ...any) {
	if !holds {
		panic(fmt.Sprintf("router: URLs.%s(%q): ", c.call, c.text) + fmt.Sprintf(rule, args...))
	}
}

func (c registration) requireApp() {
	c.require(!wiring.Missing(c.app), "the app must not be nil")
}

// pattern takes apart what ServeMux finds valid.
func (c registration) pattern(text string) pattern {
	wrong := foreign(c.text)
	c.require(wrong == "", "%s", wrong)
	c.accepted(http.NewServeMux(), text)
	p := parsePattern(text)
	c.require(isClean(p.path), "the path must be clean, else it never matches")
	return p
}

// registeredAt is where ServeMux thinks the other pattern comes from.
var registeredAt = regexp.MustCompile(` \(registered at [^)]*\)`)

// accepted registers text with mux, and panics with its objection if it has one.
func (c registration) accepted(mux *http.ServeMux, text string) {
	if objection := objectionTo(mux, text); objection != nil {
		c.require(false, "%s", registeredAt.ReplaceAllString(fmt.Sprint(objection), ""))
	}
}

func objectionTo(mux *http.ServeMux, text string) (objection any) {
	defer func() { objection = recover() }()
	mux.Handle(text, http.NotFoundHandler())
	return nil
}

func (c registration) route(p pattern) *route {
	rt := &route{text: c.text, app: c.app, constraints: slices.Clone(c.constraints)}
	rt.names = p.names()
	for i, this := range rt.constraints {
		c.require(slices.Contains(rt.names, this.name), "the constraint %q names no wildcard", this.name)
		for _, other := range rt.constraints[:i] {
			c.require(this.name != other.name, "the wildcard %q has two constraints", this.name)
		}
	}
	return rt
}

// requireReachable panics if before, which has the same shape as e, leaves
// nothing to it. A mount may, unless e is a mount too: two of the same prefix
// are more likely a mistake than meant.
func (c registration) requireReachable(e, before entry) {
	rt := before.route
	if rt.mount && !e.route.mount {
		return
	}
	c.require(len(rt.constraints) > 0, "conflicts with %q: both match the same requests", rt.text)
	c.require(!rt.constrainedLike(c.constraints), "conflicts with %q: both have the same constraints",
		rt.text)
}
