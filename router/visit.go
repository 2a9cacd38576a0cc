package router

import (
	"context"
	"net/http"
	"strings"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
)

// visit is a request that has been led to a route. As with net/http, the pattern is
// left on the request itself.
type visit struct {
	entry  *entry
	scope  *parley.Scope // for the app
	mark   int           // of what was captured before
	before string        // the pattern that the request had
	hidden []capture     // values of the same names that were found before
}

type capture struct{ name, value string }

// find leads the request of scope to the best route that has not been tried, or returns
// the answer if there is none.
func (v *visit) find(t *tree, scope *parley.Scope, tried []*route, redirects bool) *answer {
	s := search{tree: t, tried: tried}
	if !s.begin(scope) {
		return notFound()
	}
	found := s.find()
	plain := scope.Protocol == parley.HTTP
	if plain && redirects {
		if elsewhere := s.redirect(scope, found); elsewhere != nil {
			return elsewhere
		}
	}
	switch {
	case found != nil:
		v.enter(found, scope, &s.values)
		return nil
	case plain && isClean(s.path):
		if methods := s.allowed(redirects); len(methods) > 0 {
			return notAllowed(methods)
		}
	}
	return notFound()
}

// redirect returns the answer that sends the client to the path with a slash at its
// end, where only that has a route, or to the clean form of a path. To CONNECT it
// is, as for net/http, the host of the URL that counts.
func (s *search) redirect(scope *parley.Scope, found *entry) *answer {
	clean, r, probe := isClean(s.path), scope.Request, *s
	switch probe.path = cleanPath(s.path); {
	case s.method == http.MethodConnect && !clean:
		return nil
	case s.method == http.MethodConnect:
		probe.host = r.URL.Host
		found = probe.afresh()
	case !clean:
		found = probe.afresh()
	}
	escaped, _ := scope.EscapedRoutePath()
	root := strings.TrimSuffix(r.URL.EscapedPath(), escaped)
	switch {
	case (found == nil || !found.exact(probe.path)) && probe.needsSlash():
		return redirectTo(r, root, cleanPath(escaped)+"/")
	case !clean:
		return redirectTo(r, root, cleanPath(escaped))
	}
	return nil
}

// enter prepares scope and request for the app of the route that was found.
func (v *visit) enter(found *entry, scope *parley.Scope, values *values) {
	r, names := scope.Request, found.route.names
	v.entry, v.scope, v.before, v.hidden = found, scope, r.Pattern, nil
	r.Pattern = found.text
	for _, name := range names {
		if old := scope.PathValue(name); old != "" {
			v.hidden = append(v.hidden, capture{name, old})
		}
	}
	if found.route.mount {
		path, _ := scope.EscapedRoutePath()
		v.scope = scope.Under(leading(path, found.route.consumes))
	}
	v.mark = v.scope.Capture(names, values.first(len(names)))
}

// tell tells who looks on which route a socket has taken. Transports find that of
// HTTP on the request, as anybody does.
func (v *visit) tell(conn parley.Conn) {
	if badge := census.BadgeOf(conn); badge != nil {
		badge.SetRoute(&v.entry.text)
	}
}

// serveFromScope serves an app that finds its values in the scope, which holds them
// for no longer.
func (v *visit) serveFromScope(ctx context.Context, conn parley.Conn) error {
	defer v.scope.Release(v.mark)
	return v.entry.route.app.Serve(ctx, v.scope, conn)
}

// leave undoes enter, for a route that has passed. The values may have been put on the
// request.
func (v *visit) leave(scope *parley.Scope) {
	r := scope.Request
	r.Pattern = v.before
	for _, name := range v.entry.route.names {
		if before := v.valueBefore(name); scope.PathValue(name) != before {
			r.SetPathValue(name, before)
		}
	}
}

func (v *visit) valueBefore(name string) string {
	for _, c := range v.hidden {
		if c.name == name {
			return c.value
		}
	}
	return ""
}
