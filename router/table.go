package router

import (
	"net/http"
	"strings"
	"sync"

	"github.com/parleygo/parley"
)

// table is a set of routes ready to be asked. It is safe for concurrent use.
type table struct {
	entries []entry
	mux     *http.ServeMux
	exact   map[string]*route // routes that need no ServeMux to be found
	next    sync.Map          // *route -> *table: this table without that route
}

// newTable makes a table of entries. Of those with the same shape the first
// takes part, and the others wait until it was tried.
func newTable(entries []entry) *table {
	t := &table{entries: entries, mux: http.NewServeMux()}
	taken := make(map[string]bool, len(entries))
	active := make([]entry, 0, len(entries))
	for _, e := range entries {
		if shape := e.shape(); !taken[shape] {
			taken[shape] = true
			active = append(active, e)
			t.mux.Handle(e.text, e.route)
		}
	}
	t.exact = exactRoutes(active)
	return t
}

// exactRoutes returns the routes that are known by their path alone. ServeMux
// prefers a literal to any wildcard, so a literal pattern is its answer for the
// very same path unless a pattern with a host, or the same path with a method or
// with "{$}" at its end, is there to be preferred.
func exactRoutes(entries []entry) map[string]*route {
	preferred := make(map[string]bool)
	for _, e := range entries {
		shape := e.pathShape()
		before, end := strings.CutSuffix(shape, endSegment)
		switch {
		case e.host != "":
			return nil
		case end:
			preferred[before+multiSegment] = true
		case e.method != "":
			preferred[shape] = true
		}
	}
	exact := make(map[string]*route)
	for _, e := range entries {
		if e.literal() && !e.route.mount && !preferred[e.pathShape()] {
			exact[e.path] = e.route
		}
	}
	return exact
}

// without returns the table of the routes to try once tried was: all that may
// match a path that tried matches. It is made on first use and kept. The routes
// that match one path stand in each other's order of precedence, so there are
// few such tables, and as a rule they are small.
func (t *table) without(tried *route) *table {
	if next, ok := t.next.Load(tried); ok {
		return next.(*table)
	}
	var widest pattern // of a mount's two entries the later one
	for _, e := range t.entries {
		if e.route == tried && !e.bare {
			widest = e.pattern
		}
	}
	var left []entry
	for _, e := range t.entries {
		if e.route != tried && e.overlaps(widest) {
			left = append(left, e)
		}
	}
	next, _ := t.next.LoadOrStore(tried, newTable(left))
	return next.(*table)
}

// find returns the best route for r, with the table it came from, or what to
// answer if there is none. It leaves the route's pattern and values on r.
// Answers that redirect count only if they are wanted.
func (t *table) find(r *http.Request, redirects bool) (*table, *route, *outcome) {
	for {
		found, answer := ask(t.mux, r)
		switch {
		case found != nil && found.fits(r):
			return t, found, nil
		case found != nil:
		case !answer.redirects() || redirects:
			return t, nil, answer
		default: // a slash is missing, which makes the route another one
			if found = t.named(r.Pattern); found == nil || !isClean(r.URL.EscapedPath()) {
				return t, nil, notFound()
			}
		}
		t = t.without(found)
	}
}

// named returns the route that takes part under the pattern text.
func (t *table) named(text string) *route {
	for _, e := range t.entries {
		if e.text == text {
			return e.route
		}
	}
	return nil
}

// allowed returns the methods among those given that would find a route for r.
// ServeMux counts those that constraints rule out and, wanted or not, those
// that would be redirected.
func (t *table) allowed(r *http.Request, methods []string, redirects bool) []string {
	var found []string
	for _, method := range methods {
		probe := *r
		probe.Method = method
		if _, rt, answer := t.find(&probe, redirects); rt != nil || answer.redirects() {
			found = append(found, method)
		}
	}
	return found
}

// known returns the route for scope if the path alone tells it.
func (t *table) known(scope *parley.Scope) *route {
	r := scope.Request
	if r == nil || r.URL.RawPath != "" || strings.IndexByte(r.Pattern, '{') >= 0 {
		return nil // values captured above have to be looked after
	}
	if scope.RootPath == "" {
		return t.exact[r.URL.Path]
	}
	if path, ok := scope.EscapedRoutePath(); ok && strings.IndexByte(path, '%') < 0 {
		return t.exact[path]
	}
	return nil
}
