package router

import (
	"net/http"
	"strings"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
)

// visit is a request that has been led to a route. As with net/http, pattern and
// values are left on the request itself.
type visit struct {
	entry  *entry
	scope  *parley.Scope // for the app
	before string        // the pattern that the request had
	hidden []capture     // values of the same names that it had
}

type capture struct{ name, value string }

// visit leads the request of scope to the best route that has not been tried, or
// returns the answer if there is none.
func (t *tree) visit(
	scope *parley.Scope, tried []*route, redirects bool,
) (visit, *answer) {
	s := search{tree: t, tried: tried}
	if !s.begin(scope) {
		return visit{}, notFound()
	}
	var found *entry
	if isClean(s.path) {
		found = s.find()
	}
	plain := scope.Protocol == parley.HTTP
	if plain && redirects {
		if elsewhere := s.redirect(scope, found); elsewhere != nil {
			return visit{}, elsewhere
		}
	}
	switch {
	case found != nil:
		return s.enter(found, scope), nil
	case plain && isClean(s.path):
		if methods := s.allowed(redirects); len(methods) > 0 {
			return visit{}, notAllowed(methods)
		}
	}
	return visit{}, notFound()
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
		return redirectTo(r, root, cleanPath(scope.RoutePath())+"/")
	case !clean:
		return redirectTo(r, root, cleanPath(escaped))
	}
	return nil
}

// enter prepares the request for the app of the route that was found.
func (s *search) enter(found *entry, scope *parley.Scope) visit {
	r := scope.Request
	v := visit{entry: found, scope: scope, before: r.Pattern}
	r.Pattern = found.text
	for i, name := range found.route.names {
		if old := r.PathValue(name); old != "" {
			v.hidden = append(v.hidden, capture{name, old})
		}
		r.SetPathValue(name, s.values.at(i))
	}
	if found.route.mount {
		path, _ := scope.EscapedRoutePath()
		v.scope = scope.Under(leading(path, found.route.consumes))
	}
	return v
}

// tell tells who looks on which route a socket has taken. Transports find that of
// HTTP on the request, as anybody does.
func (v *visit) tell(conn parley.Conn) {
	if v.scope.Protocol != parley.WebSocket {
		return
	}
	if badge := census.BadgeOf(conn); badge != nil {
		badge.SetRoute(&v.entry.text)
	}
}

// leave undoes enter, for a route that has passed.
func (v *visit) leave() {
	r := v.scope.Request
	r.Pattern = v.before
	for _, name := range v.entry.route.names {
		r.SetPathValue(name, "")
	}
	for _, c := range v.hidden {
		r.SetPathValue(c.name, c.value)
	}
}
