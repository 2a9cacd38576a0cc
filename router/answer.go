package router

import (
	"context"
	"net/http"
	"strings"

	"github.com/parleygo/parley"
)

// answer is what the router says itself, in the words of net/http: it is the
// ResponseWriter of the functions that write them.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func notFound() *answer {
	a := new(answer)
	http.NotFound(a, nil)
	return a
}

// notAllowed tells which methods there are.
func notAllowed(methods []string) *answer {
	const status = http.StatusMethodNotAllowed
	a := new(answer)
	a.Header().Set("Allow", strings.Join(methods, ", "))
	http.Error(a, http.StatusText(status), status)
	return a
}

// redirectTo sends the client to a path below root. Both are escaped as the client's
// were: to escape them again, or to leave them unescaped, would lead elsewhere, which is
// where ServeMux leads.
func redirectTo(r *http.Request, root, path string) *answer {
	a := new(answer)
	location := root + path
	if r.URL.RawQuery != "" {
		location += "?" + r.URL.RawQuery
	}
	http.Redirect(a, r, location, http.StatusTemporaryRedirect)
	return a
}

// Header returns the header of the answer.
func (a *answer) Header() http.Header {
	if a.header == nil {
		a.header = make(http.Header)
	}
	return a.header
}

// WriteHeader keeps the status.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write keeps a piece of the body.
func (a *answer) Write(p []byte) (int, error) {
	a.body = append(a.body, p...)
	return len(p), nil
}

func (a *answer) redirects() bool { return a.status/100 == 3 }

// or returns a, the answer of a route that has passed, if it knows more than the one
// that comes next: that there are methods.
func (a *answer) or(next *answer) *answer {
	if a == nil || a.status != http.StatusMethodNotAllowed || next.redirects() {
		return next
	}
	return a
}

// send answers the conversation.
func (a *answer) send(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	return parley.Answer(ctx, scope, conn, a.status, a.Header(), a.body)
}

// noRoute is what a nested router returns instead of answering. It is private,
// so that nothing an app returns can be taken for it.
type noRoute struct {
	answer *answer
}

func (*noRoute) Error() string { return "router: no route" }

// Unwrap makes the error match parley.ErrNotFound, for whoever sees it outside
// of any router.
func (*noRoute) Unwrap() error { return parley.ErrNotFound }
