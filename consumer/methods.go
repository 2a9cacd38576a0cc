package consumer

import (
	"context"
	"net/http"
	"strings"

	"github.com/parleygo/parley"
)

// Methods is an App that chooses by the request's method: what other frameworks
// call a class-based view. HEAD is served by Get, whose body the server leaves
// out, unless Head is set. OPTIONS is answered with the methods there are,
// unless Options is set. Other methods are answered with 405 and an Allow
// header, other protocols than HTTP refused with an *UnsupportedProtocolError.
type Methods struct {
	Get, Head, Post, Put, Patch, Delete, Options parley.App
}

// Serve chooses the app.
func (m Methods) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	if scope.Protocol != parley.HTTP {
		return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
	}
	method := scope.Method()
	if app := m.app(method); app != nil {
		return app.Serve(ctx, scope, conn)
	}
	status := http.StatusMethodNotAllowed
	if method == http.MethodOptions {
		status = http.StatusNoContent
	}
	return respond(ctx, conn, status, http.Header{"Allow": {m.allow()}})
}

func (m Methods) app(method string) parley.App {
	switch method {
	case http.MethodGet:
		return m.Get
	case http.MethodHead:
		if m.Head != nil {
			return m.Head
		}
		return m.Get
	case http.MethodPost:
		return m.Post
	case http.MethodPut:
		return m.Put
	case http.MethodPatch:
		return m.Patch
	case http.MethodDelete:
		return m.Delete
	case http.MethodOptions:
		return m.Options
	}
	return nil
}

func (m Methods) allow() string {
	list := []string{http.MethodOptions}
	for _, method := range []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	} {
		if m.app(method) != nil {
			list = append(list, method)
		}
	}
	return strings.Join(list, ", ")
}

// respond answers with a status and its text.
func respond(ctx context.Context, conn parley.Conn, status int, header http.Header) error {
	if header == nil {
		header = make(http.Header, 2)
	}
	if status == http.StatusNoContent {
		return parley.Respond(ctx, conn, status, header, nil)
	}
	header.Set("Content-Type", "text/plain; charset=utf-8")
	return parley.Respond(ctx, conn, status, header, []byte(http.StatusText(status)+"\n"))
}
