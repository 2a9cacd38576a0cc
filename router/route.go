package router

import (
	"net/http"
	"slices"

	"github.com/parleygo/parley"
)

// route is one registration: an app and what has to hold for it to be chosen.
type route struct {
	text        string // as registered
	app         parley.App
	names       []string // of the pattern's wildcards
	constraints []Constraint
	mount       bool
	consumes    int // segments of the path that a mount takes
}

// ServeHTTP is called by http.ServeMux for the route it has chosen. All it does
// is to take note.
func (rt *route) ServeHTTP(w http.ResponseWriter, _ *http.Request) { w.(*outcome).route = rt }

// fits tells whether the values that r was matched with satisfy the constraints.
func (rt *route) fits(r *http.Request) bool {
	for _, c := range rt.constraints {
		if !c.fits(r.PathValue(c.name)) {
			return false
		}
	}
	return true
}

// constrainedLike tells that the route has the same constraints.
func (rt *route) constrainedLike(constraints []Constraint) bool {
	return slices.EqualFunc(rt.constraints, constraints, func(a, b Constraint) bool {
		return a.name == b.name && a.rule == b.rule
	})
}

// entry is a pattern under which a route is found. A mount has two: one for the
// prefix itself and one for everything below.
type entry struct {
	pattern
	route *route
	bare  bool // the prefix of a mount, without a slash at its end
}
