package router

import (
	"context"
	"net/http"
	"strings"

	"github.com/parleygo/parley"
)

// Methods chooses an app by the request's method: what other frameworks call a
// class-based view. HEAD is served by Get, whose body the server leaves out,
// unless Head is set. OPTIONS is answered with the methods there are, unless
// Options is set. Other methods are answered with 405 and an Allow header. Other
// protocols than HTTP are refused with a *parley.UnsupportedProtocolError.
//
// A Lifespan conversation reaches every distinct app, in the order of the
// fields; see [URLs] for what becomes of failures.
type Methods struct {
	Get, Head, Post, Put, Patch, Delete, Options parley.App
}

// Serve hands the conversation to the app of its method.
func (m Methods) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	switch scope.Protocol {
	case parley.HTTP:
	case parley.Lifespan:
		return serveLifespan(ctx, scope, conn, distinct(m.apps()))
	default:
		return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
	}
	if app := m.app(scope.Method()); app != nil {
		return app.Serve(ctx, scope, conn)
	}
	return m.refuse(ctx, scope, conn)
}

// refuse answers a method that has no app with those that have one.
func (m Methods) refuse(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	header := http.Header{"Allow": {m.allow()}}
	if scope.Method() == http.MethodOptions {
		return parley.Respond(ctx, conn, http.StatusNoContent, header, nil)
	}
	const status = http.StatusMethodNotAllowed
	header.Set("Content-Type", "text/plain; charset=utf-8")
	return parley.Respond(ctx, conn, status, header, []byte(http.StatusText(status)+"\n"))
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

// methods are those that an app can be set for, in the order of Allow.
var methods = []string{
	http.MethodOptions, http.MethodGet, http.MethodHead, http.MethodPost,
	http.MethodPut, http.MethodPatch, http.MethodDelete,
}

func (m Methods) allow() string {
	var list []string
	for _, method := range methods {
		if method == http.MethodOptions || m.app(method) != nil {
			list = append(list, method)
		}
	}
	return strings.Join(list, ", ")
}

// apps lists the fields in the order in which they hear of the lifespan.
func (m Methods) apps() []parley.App {
	return []parley.App{m.Get, m.Head, m.Post, m.Put, m.Patch, m.Delete, m.Options}
}
