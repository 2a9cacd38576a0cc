package router

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/parleygo/parley"
)

// URLs chooses an app by the URL of a request or of a WebSocket handshake, on
// the path below the scope's RootPath. The zero value has no routes. It must
// not be copied after first use.
//
// A request without a route is answered with 404, and one whose path has routes
// for other methods only with 405 and an Allow header; a handshake is denied
// with 404 in both cases. A router below a mount leaves that to the router
// above, which first tries its own next-best routes. A plain request that the app
// of its route refuses, as one for sockets does, is answered with 426. Other
// protocols are refused with a *parley.UnsupportedProtocolError.
//
// A Lifespan conversation reaches every distinct app below, in order of
// registration and NotFound last, one after the other: the next one hears of
// start-up when the one before has answered. Shutdown goes in reverse. An app
// that returns before it has answered start-up takes no part; if that is true of
// all, so does the router, and returns their errors or a
// *parley.UnsupportedProtocolError. If an app fails to start, those started are
// shut down and the router fails to start with its message. Failures at
// shutdown are told together. When the context ends the router waits for every
// app to return. A panic in an app goes on in the router, after all others have
// ended.
//
// Routes are registered first and served later: Handle and Mount panic once the
// router has served, which includes the lifespan. Serve may run many times at
// once.
type URLs struct {
	// NotFound serves what has no route, in place of the answers with 404 and
	// 405, on handshakes too. A router below a mount that has one keeps what it
	// has no route for. nil means the answers described above.
	NotFound parley.App

	// Redirects lets requests be redirected as http.ServeMux does: to the
	// clean form of a path with "//" or "..", and to the path with a slash at
	// its end where only that has a route. What is escaped in it stays escaped as it
	// is, which ServeMux does not hold to. Handshakes are never redirected.
	// The default is false: such paths are not found.
	Redirects bool

	// ScopeValues leaves what the wildcards of a request match in its scope, where
	// Scope.PathValue and Param find it until the router returns, and takes no memory
	// for three values. Handlers of net/http below (nethttp, gin, blocking) still find
	// them on their requests, as does whoever calls Scope.NativeRequest. An app or a
	// middleware that asks Scope.Request by itself does not, nor, afterwards, does who
	// stands in front. The scope is written to: a goroutine that goes on beside the
	// router must not ask it. Handshakes, also those of fallback sessions, have their
	// values on the request in any case. The default is false: everybody finds them on
	// the request, for two allocations.
	ScopeValues bool

	mu      sync.Mutex
	routes  registry
	serving atomic.Pointer[tree] // set by the first Serve
}

// Handle registers app for the requests that match pattern, which has the
// syntax and precedence of http.ServeMux, and whose wildcards satisfy the
// constraints. Patterns that match the same requests may follow each other as
// long as those before have constraints: the first whose constraints are
// satisfied is chosen.
//
// Handle panics if the pattern is invalid, can never match, is written as another
// framework has it or conflicts with another, if app is nil, if a constraint names no
// wildcard of the pattern or one that has a constraint already, and if the router is
// serving.
func (u *URLs) Handle(pattern string, app parley.App, constraints ...Constraint) {
	u.register(u.routes.handle, registration{"Handle", pattern, app, constraints})
}

// Mount registers app for prefix and all paths below it, on a segment boundary:
// "/admin", "/admin/" and "/admin/users", but not "/administration". The app
// sees a scope whose RootPath has grown by what prefix matched. The prefix
// begins with a slash; one at its end makes no difference. It may have wildcards
// and constraints, but neither method nor host.
//
// If app is a router, under whatever middleware, that has no route for the rest
// of the path, the next-best route is tried; nothing else an app returns has
// this effect. That next route may be one that Handle registers later for the
// same paths. A pattern of Handle for the prefix itself goes first.
//
// Mount panics for the same reasons as Handle. Note that to http.ServeMux a
// pattern with a method conflicts with a mount below it: "GET /" and "/admin".
func (u *URLs) Mount(prefix string, app parley.App, constraints ...Constraint) {
	u.register(u.routes.mount, registration{"Mount", prefix, app, constraints})
}

func (u *URLs) register(add func(registration), c registration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	c.require(u.serving.Load() == nil, "routes must be registered before the first Serve")
	c.requireApp()
	add(c)
}

// Serve finds the app of the conversation and hands it on.
func (u *URLs) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	switch scope.Protocol {
	case parley.HTTP, parley.WebSocket:
	case parley.Lifespan:
		return serveLifespan(ctx, scope, conn, distinct(u.apps()))
	default:
		return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
	}
	t := u.serving.Load()
	if t == nil {
		t = u.seal()
	}
	var tried []*route
	var missed *answer
	var v visit
	for {
		answer := v.find(t, scope, tried, u.Redirects)
		if answer != nil {
			return u.miss(ctx, scope, conn, missed.or(answer))
		}
		if scope.Protocol == parley.WebSocket {
			v.tell(conn)
		}
		var err error
		if u.ScopeValues && scope.Protocol == parley.HTTP {
			err = v.serveFromScope(ctx, conn)
		} else {
			v.scope.NativeRequest()
			err = v.entry.route.app.Serve(ctx, v.scope, conn)
		}
		if err == nil {
			return nil
		}
		if answer = passed(err); answer == nil {
			return explain(ctx, scope, conn, err)
		}
		v.leave(scope)
		missed, tried = missed.or(answer), append(tried, v.entry.route)
	}
}

// seal ends registration.
func (u *URLs) seal() *tree {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.serving.Load() == nil {
		u.serving.Store(newTree(u.routes.entries))
	}
	return u.serving.Load()
}

// miss ends a search in vain.
func (u *URLs) miss(
	ctx context.Context, scope *parley.Scope, conn parley.Conn, answer *answer,
) error {
	switch {
	case answer.redirects():
		return answer.send(ctx, scope, conn)
	case u.NotFound != nil:
		return u.NotFound.Serve(ctx, scope, conn)
	case scope.Nested():
		return &noRoute{answer}
	}
	return answer.send(ctx, scope, conn)
}

// passed returns what a router below would have answered if it had been asked
// to, or nil if err is any other error.
func passed(err error) *answer {
	var none *noRoute
	if errors.As(err, &none) {
		return none.answer
	}
	return nil
}

// apps lists the apps in the order in which they hear of the lifespan.
func (u *URLs) apps() []parley.App {
	u.seal() // whoever came later would not hear of it
	return append(slices.Clone(u.routes.order), u.NotFound)
}
