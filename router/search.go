package router

import (
	"maps"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/parleygo/parley"
)

// search is the search for the route of one request. Its order is the precedence
// of net/http: a host goes before any host, a method before any method, and in
// each place of the path a literal before a wildcard, and that before the rest.
// What comes next in this order is the next-best route.
type search struct {
	tree    *tree
	host    string
	method  string
	path    string // below the root of the router; begins with a slash
	escaped bool   // the path is, segment by segment
	tried   []*route
	values  values // of the route that was found
}

// begin prepares the search for scope, whose path may be unclean. It reports whether
// there is a path to look at.
//
//parley:noescape
func (s *search) begin(scope *parley.Scope) (ok bool) {
	r := scope.Request
	if r == nil || r.RequestURI == "*" {
		return false
	}
	s.method = r.Method
	if len(s.tree.hosts) > 0 {
		s.host = hostOf(r)
	}
	if scope.RootPath == "" && r.URL.RawPath == "" {
		s.path = r.URL.Path // no slash in it was escaped
		return true
	}
	s.path, ok = scope.EscapedRoutePath()
	s.escaped = strings.IndexByte(s.path, '%') >= 0
	return ok
}

// find returns the best entry that has not been tried. A path that is not clean has
// none.
//
//parley:noescape
func (s *search) find() *entry {
	if s.path == "" || s.path[0] != '/' {
		return nil
	}
	if len(s.tree.hosts) > 0 {
		if m := s.tree.hosts[s.host]; m != nil {
			if found := s.under(m); found != nil {
				return found
			}
		}
	}
	return s.under(s.tree.everywhere)
}

//parley:noescape
func (s *search) under(m *methodTree) *entry {
	if s.method != http.MethodGet && len(m.others) > 0 {
		if found := s.from(m.others[s.method]); found != nil {
			return found
		}
	}
	if s.method == http.MethodGet || s.method == http.MethodHead {
		if found := s.from(m.get); found != nil {
			return found
		}
	}
	return s.from(m.all)
}

// from looks for an entry below the root of a tree.
//
//parley:noescape
func (s *search) from(root *node) *entry {
	s.values.count = 0
	return s.walk(root, s.path)
}

// walk looks for an entry below n that matches path. It goes down in a loop where there
// is but one way, and calls itself where it may have to come back. A path that is not
// clean matches nothing.
func (s *search) walk(n *node, path string) *entry {
	for n != nil {
		if len(path) <= len("/") {
			return s.arrive(n, path)
		}
		if n.wild == nil && n.literals.list == nil {
			return s.chooseRest(n, path)
		}
		segment, rest := cutSegment(path)
		if isUnclean(segment) {
			return nil
		}
		if s.escaped {
			segment = unescape(segment)
		}
		var next *node
		if n.literals.slots == nil {
			next = n.literals.scan(segment)
		} else {
			next = n.literals.probe(segment)
		}
		switch {
		case next == nil && n.wild == nil:
			return s.chooseRest(n, path)
		case next == nil && len(n.rest) == 0:
			s.values.push(segment)
			next = n.wild
		case next == nil || n.wild != nil || len(n.rest) > 0:
			return s.fork(n, next, segment, path, rest)
		}
		n, path = next, rest
	}
	return nil
}

// arrive chooses where nothing is left of the path but a slash perhaps.
func (s *search) arrive(n *node, path string) *entry {
	if path == "" {
		return s.choose(n.here)
	}
	if found := s.choose(n.end); found != nil {
		return found
	}
	return s.chooseRest(n, path)
}

// fork tries the ways that lead on from n, one after the other.
func (s *search) fork(n, literal *node, segment, path, rest string) *entry {
	count := s.values.count
	if found := s.walk(literal, rest); found != nil {
		return found
	}
	s.values.count = count
	if n.wild != nil {
		s.values.push(segment)
		if found := s.walk(n.wild, rest); found != nil {
			return found
		}
		s.values.count = count
	}
	return s.chooseRest(n, path)
}

//parley:noescape
func (s *search) choose(entries []*entry) *entry {
	for _, e := range entries {
		if !slices.Contains(s.tried, e.route) &&
			(len(e.route.constraints) == 0 || e.route.fits(&s.values)) {
			return e
		}
	}
	return nil
}

// chooseRest chooses among the entries that match path whatever it is.
func (s *search) chooseRest(n *node, path string) *entry {
	if len(n.rest) == 0 || !isClean(path) {
		return nil
	}
	path = path[1:]
	if s.escaped {
		path = unescape(path)
	}
	s.values.push(path) // which a pattern without a name for it ignores
	return s.choose(n.rest)
}

func unescape(text string) string {
	if unescaped, err := url.PathUnescape(text); err == nil {
		return unescaped
	}
	return text
}

// allowed returns the methods that would find a route, sorted.
func (s *search) allowed(redirects bool) []string {
	methods := []string{http.MethodGet}
	if m := s.tree.hosts[s.host]; m != nil {
		methods = slices.AppendSeq(methods, maps.Keys(m.others))
	}
	methods = slices.AppendSeq(methods, maps.Keys(s.tree.everywhere.others))
	var allowed []string
	for _, method := range methods {
		probe := *s
		probe.method = method
		if probe.afresh() == nil && !(redirects && probe.needsSlash()) {
			continue
		}
		allowed = append(allowed, method)
		if method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	slices.Sort(allowed)
	return slices.Compact(allowed)
}

// needsSlash reports whether there is a route for the path with a slash at its end,
// and for that very path.
func (s *search) needsSlash() bool {
	if s.path == "" || strings.HasSuffix(s.path, "/") {
		return false
	}
	probe := *s
	probe.path += "/"
	found := probe.afresh()
	return found != nil && found.exact(probe.path)
}

// afresh finds a route for a search that was copied from another.
func (s *search) afresh() *entry {
	s.values = values{}
	return s.find()
}

// hostOf is the host that patterns of hosts are compared with, as for net/http.
func hostOf(r *http.Request) string {
	if r.Method == http.MethodConnect {
		return r.Host
	}
	return withoutPort(r.Host)
}

func withoutPort(host string) string {
	if strings.IndexByte(host, ':') < 0 {
		return host
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// isClean reports whether a path is one that net/http would not redirect: it begins
// with a slash, and has neither empty segments nor dots for segments.
//
//parley:noescape
func isClean(p string) bool {
	if p == "" || p[0] != '/' {
		return false
	}
	return !strings.Contains(p, "//") && !strings.Contains(p, "/.") || p == cleanPath(p)
}

// cutSegment cuts the first segment off a path that begins with a slash.
//
//parley:inline
func cutSegment(path string) (segment, rest string) {
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			return path[1:i], path[i:]
		}
	}
	return path[1:], ""
}

// isUnclean reports whether a segment is one that no clean path has.
//
//parley:inline
func isUnclean(segment string) bool {
	return segment == "" || segment[0] == '.' && (segment == "." || segment == "..")
}

// cleanPath is what net/http makes of a path.
func cleanPath(p string) string {
	cleaned := path.Clean("/" + p)
	if strings.HasSuffix(p, "/") && cleaned != "/" {
		cleaned += "/"
	}
	return cleaned
}
