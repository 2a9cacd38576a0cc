package router

import (
	"slices"
	"strings"

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

// fits reports whether the values of the wildcards satisfy the constraints.
func (rt *route) fits(values *values) bool {
	for _, c := range rt.constraints {
		if !c.fits(values.at(slices.Index(rt.names, c.name))) {
			return false
		}
	}
	return true
}

// constrainedLike reports whether the route has the same constraints.
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

// exact reports whether the pattern stands for path itself, as opposed to all that
// is below a prefix of it.
func (e *entry) exact(path string) bool {
	return e.last() != multi ||
		path[len(path)-1] == '/' && len(e.segments) == strings.Count(path, "/")
}
