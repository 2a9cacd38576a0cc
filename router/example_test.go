package router_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/router"
)

// page returns an app that prints what it was asked for.
func page(name string) parley.App {
	return parley.AppFunc(func(_ context.Context, scope *parley.Scope, _ parley.Conn) error {
		fmt.Println(name, scope.RoutePath(), "below", "'"+scope.RootPath+"'")
		return nil
	})
}

// printer is a conn that prints the answers sent to it.
type printer struct{ parley.Conn }

func (printer) Send(_ context.Context, event parley.Event) error {
	switch event := event.(type) {
	case parley.HTTPResponseStart:
		fmt.Println("answered with", event.Status)
	case parley.WebSocketDeny:
		fmt.Println("denied with", event.Status)
	}
	return nil
}

// ask serves one conversation, as an adapter would.
func ask(app parley.App, protocol parley.Protocol, path string) {
	scope := &parley.Scope{Protocol: protocol, Request: httptest.NewRequest("GET", path, nil)}
	if err := app.Serve(context.Background(), scope, printer{}); err != nil {
		fmt.Println(err)
	}
}

// A router of one kind of conversation inside one for all of them.
func ExampleProtocols() {
	app := router.Protocols{
		parley.HTTP:      page("page"),
		parley.WebSocket: page("socket"),
	}
	ask(app, parley.HTTP, "/x")
	ask(app, parley.WebSocket, "/x")
	ask(app, parley.Channel, "/x")
	// Output:
	// page /x below ''
	// socket /x below ''
	// parley: protocol channel is not served here
}

// Patterns are those of net/http, and what has no route is answered for both
// protocols.
func ExampleURLs() {
	var site router.URLs
	site.Handle("/{$}", page("index"))
	site.Handle("/rooms/{name}", page("room"))

	ask(&site, parley.HTTP, "/")
	ask(&site, parley.WebSocket, "/rooms/lobby")
	ask(&site, parley.HTTP, "/rooms/")
	ask(&site, parley.WebSocket, "/rooms/")
	// Output:
	// index / below ''
	// room /rooms/lobby below ''
	// answered with 404
	// denied with 404
}

// What a mounted router has no route for goes on to the next route above.
func ExampleURLs_Mount() {
	var blog, site router.URLs
	blog.Handle("/posts", page("posts"))
	site.Mount("/blog", &blog)
	site.Handle("/", page("fallback"))

	ask(&site, parley.HTTP, "/blog/posts")
	ask(&site, parley.HTTP, "/blog/nothing")
	// Output:
	// posts /posts below '/blog'
	// fallback /blog/nothing below ''
}

// A constraint makes room for another route with the same pattern.
func ExampleInt() {
	var site router.URLs
	site.Handle("/users/{id}", page("by number"), router.Int("id"))
	site.Handle("/users/{name}", page("by name"))

	ask(&site, parley.HTTP, "/users/42")
	ask(&site, parley.HTTP, "/users/ada")
	// Output:
	// by number /users/42 below ''
	// by name /users/ada below ''
}

// Param reads a capture with its type.
func ExampleParam() {
	var site router.URLs
	site.Handle("/rooms/{id}",
		parley.AppFunc(func(_ context.Context, scope *parley.Scope, _ parley.Conn) error {
			id, err := router.Param[int](scope, "id")
			fmt.Println(id+1, err)
			return err
		}), router.Int("id"))

	ask(&site, parley.HTTP, "/rooms/007")
	// Output: 8 <nil>
}

// Methods is a view: an app for each method.
func ExampleMethods() {
	view := router.Methods{Get: page("read"), Delete: page("delete")}
	for _, method := range []string{"GET", "DELETE", "POST"} {
		scope := &parley.Scope{Protocol: parley.HTTP,
			Request: httptest.NewRequest(method, "/notes/7", nil)}
		if err := view.Serve(context.Background(), scope, printer{}); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// read /notes/7 below ''
	// delete /notes/7 below ''
	// answered with 405
}
