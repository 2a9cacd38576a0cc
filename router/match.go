package router

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/parleygo/parley"
)

// match is the search for the app of one conversation. At the top the request
// itself is what ServeMux is asked about, and is left with the pattern and the
// values, as net/http does. Below a mount it is a copy, so that a search in vain
// leaves nothing behind.
type match struct {
	scope   *parley.Scope // of the router
	path    string        // below the scope's root, escaped
	pattern string        // what the request had been matched with before
	outer   captures      // and the values of that
	request *http.Request // to ask about
	url     *url.URL      // to ask about: only the path below the root
}

func newMatch(scope *parley.Scope, path string) match {
	r := scope.Request
	m := match{scope: scope, path: path, pattern: r.Pattern, outer: capturesOf(r), request: r, url: r.URL}
	if scope.RootPath == "" && !scope.Nested() {
		return m
	}
	m.request = shallow(r, m.outer.any())
	m.url = &url.URL{Host: r.URL.Host, Path: path, RawPath: path, RawQuery: r.URL.RawQuery}
	if decoded, err := url.PathUnescape(path); err == nil {
		m.url.Path = decoded
	}
	return m
}

// shallow copies r. With values, setting path values on the copy leaves r
// alone: only Clone can do that, and it is kept from copying all the rest.
func shallow(r *http.Request, values bool) *http.Request {
	c := new(http.Request)
	*c = *r
	if !values {
		return c
	}
	c.URL, c.Header, c.Trailer, c.TransferEncoding = nil, nil, nil, nil
	c.Form, c.PostForm, c.MultipartForm = nil, nil, nil
	c = c.Clone(r.Context())
	c.URL, c.Header, c.Trailer, c.TransferEncoding = r.URL, r.Header, r.Trailer, r.TransferEncoding
	c.Form, c.PostForm, c.MultipartForm = r.Form, r.PostForm, r.MultipartForm
	return c
}

// find looks for a route in t.
func (m *match) find(t *table, redirects bool) (*table, *route, *outcome) {
	m.request.URL = m.url
	t, found, answer := t.find(m.request, redirects)
	if answer != nil {
		if methods := answer.methods(); methods != nil {
			answer = m.narrow(t, answer, methods, redirects)
		}
		m.restore()
	}
	return t, found, answer
}

// narrow corrects an answer that tells which methods would do.
func (m *match) narrow(t *table, answer *outcome, methods []string, redirects bool) *outcome {
	if methods = t.allowed(m.request, methods, redirects); methods == nil {
		return notFound()
	}
	answer.Header().Set("Allow", strings.Join(methods, ", "))
	return answer
}

// below returns the scope for the app of the route that was found.
func (m *match) below(found *route) *parley.Scope {
	m.request.URL = m.scope.Request.URL
	m.outer.carry(m.request, found.names)
	scope := m.scope
	switch {
	case found.mount:
		scope = scope.Under(leading(m.path, found.consumes))
	case m.request == scope.Request:
		return scope
	default:
		c := *scope
		scope = &c
	}
	scope.Request = m.request
	return scope
}

// restore puts back what the request was matched with before.
func (m *match) restore() {
	m.request.Pattern = m.pattern
	m.outer.carry(m.request, nil)
}

// root returns the part of the path that the router does not look at.
func (m *match) root() string {
	return strings.TrimSuffix(m.scope.Request.URL.EscapedPath(), m.path)
}
