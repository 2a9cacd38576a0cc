package router_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/blocking"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/router"
)

// report answers with what a request has of the routers above.
func report(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, r.PathValue("a")+","+r.PathValue("b")+" of "+r.Pattern+" at "+r.URL.Path)
}

// reportScope is report for an app in events.
func reportScope(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	text := scope.PathValue("a") + "," + scope.PathValue("b") + " of " + scope.Request.Pattern +
		" at " + scope.RoutePath()
	return parley.Respond(ctx, conn, http.StatusOK, nil, []byte(text))
}

func throughNetHTTP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("a") == "" {
			http.Error(w, "net/http's middleware sees no value", http.StatusTeapot)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// renamed is middleware that sets a value of its own, as one does that decodes them.
func renamed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.SetPathValue("a", "<"+r.PathValue("a")+">")
		next.ServeHTTP(w, r)
	})
}

// below are the apps of a route "/{a}/{b}", and what they answer about "/1/2".
func below(t *testing.T) map[string]struct {
	app  parley.App
	want string
} {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/:a/2", func(c *gin.Context) { report(c.Writer, c.Request) })
	toApp := gin.New()
	toApp.GET("/:b/2", parleygin.Handler(parley.AppFunc(reportScope)))
	handler, events := nethttp.App(http.HandlerFunc(report)), parley.AppFunc(reportScope)
	inner, shadowing := &router.URLs{ScopeValues: true}, &router.URLs{ScopeValues: true}
	inner.Handle("/{a}/{b}", handler)
	shadowing.Handle("/{b}/{a}", events)
	eager := new(router.URLs)
	eager.Handle("/{b}/{x}", parley.AppFunc(func(
		ctx context.Context, scope *parley.Scope, conn parley.Conn,
	) error {
		r := scope.Request
		body := []byte(r.PathValue("a") + "," + r.PathValue("b") + "," + r.PathValue("x"))
		return parley.Respond(ctx, conn, http.StatusOK, nil, body)
	}))
	mounts := &router.URLs{ScopeValues: true}
	mounts.Mount("/{b}", inner, router.Int("b")) // has no route
	mounts.Mount("/{x}", mounted(handler))
	type row = struct {
		app  parley.App
		want string
	}
	const all = "1,2 of /{a}/{b} at /1/2"
	return map[string]row{
		"events":  {events, all},
		"handler": {handler, all},
		"handler over events": {
			middleware.Timeout(time.Minute, middleware.TimeoutOptions{})(handler), all},
		"gin":                {parleygin.App(engine), all},
		"blocking":           {blocking.App(http.HandlerFunc(report)), all},
		"methods":            {router.Methods{Get: handler}, all},
		"net/http's between": {nethttp.Middleware(throughNetHTTP)(events), all},
		"gin's between": {parleygin.Middleware(func(c *gin.Context) {
			if c.Request.PathValue("b") != "2" {
				c.AbortWithStatus(http.StatusTeapot)
			}
		})(handler), all},
		"a value set between":  {nethttp.Middleware(renamed)(events), "<1>,2 of /{a}/{b} at /1/2"},
		"the same to handlers": {nethttp.Middleware(renamed)(handler), "<1>,2 of /{a}/{b} at /1/2"},
		"a name of gin's":      {parleygin.App(toApp), "1,1 of /:b/2 at /1/2"},
		"a gateway below":      {nethttp.App(nethttp.Handler(events)), all},
		"a router below":       {inner, all},
		"names shadowed":       {shadowing, "2,1 of /{b}/{a} at /1/2"},
		"one on the request":   {eager, "1,1,2"},
		"mounts":               {mounts, "1,2 of /2 at /2"},
	}
}

// mounted is an app that looks at the last segment of a path only.
func mounted(app parley.App) parley.App {
	u := &router.URLs{ScopeValues: true}
	u.Handle("/2", app)
	return u
}

// Whoever reads a value below a router that leaves it in the scope reads what is read
// below one that does not.
func TestScopeValues(t *testing.T) {
	for name, test := range below(t) {
		t.Run(name, func(t *testing.T) {
			for _, inScope := range []bool{true, false} {
				u := &router.URLs{ScopeValues: inScope}
				u.Handle("/{a}/{b}", test.app)
				w := httptest.NewRecorder()
				r := httptest.NewRequest("GET", "/1/2", nil)
				ctx := bridge.With(t.Context(), sharedBridge(t))
				nethttp.Handler(u).ServeHTTP(w, r.WithContext(ctx))
				if w.Code != http.StatusOK || w.Body.String() != test.want {
					t.Errorf("in the scope %v: %d %q, want %q", inScope, w.Code, w.Body, test.want)
				}
			}
		})
	}
}

func sharedBridge(t *testing.T) *bridge.Bridge {
	t.Helper()
	b, err := bridge.New(bridge.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	return b
}

// A handshake has its values on the request in any case: who has a socket keeps its
// request for longer than the router serves.
func TestScopeValuesOfHandshakes(t *testing.T) {
	var kept *http.Request
	u := &router.URLs{ScopeValues: true}
	u.Handle("/{a}", parley.AppFunc(func(_ context.Context, scope *parley.Scope, _ parley.Conn) error {
		kept = scope.Request
		return nil
	}))
	serve(t, u, scopeFor("ws:/1"))
	if kept.PathValue("a") != "1" {
		t.Errorf("the request has %q", kept.PathValue("a"))
	}
}

// What a route has captured is gone from the scope when the router has served, however
// the app has ended; a request that a handler keeps stays as it was.
func TestScopeValuesAfterwards(t *testing.T) {
	var kept []*http.Request
	u := &router.URLs{ScopeValues: true}
	u.Handle("/panic/{a}", parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error {
		panic("on purpose")
	}))
	u.Handle("/error/{a}", parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error {
		return parley.ErrNotFound
	}))
	u.Handle("/keep/{a}", nethttp.App(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		kept = append(kept, r)
	})))
	gateway := nethttp.Handler(parley.AppFunc(func(
		ctx context.Context, scope *parley.Scope, conn parley.Conn,
	) error {
		defer func() {
			recover()
			if value := scope.PathValue("a"); value != scope.Request.PathValue("a") {
				t.Errorf("%s leaves %q in the scope", scope.Request.URL, value)
			}
		}()
		if before := scope.PathValue("a"); before != "" {
			t.Errorf("%s begins with %q in the scope", scope.Request.URL, before)
		}
		return u.Serve(ctx, scope, conn)
	}), nethttp.Options{Logger: slog.New(slog.DiscardHandler)})
	for _, path := range []string{"/panic/1", "/error/2", "/keep/3", "/none", "/keep/4"} {
		gateway.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	if len(kept) != 2 || kept[0].PathValue("a") != "3" || kept[1].PathValue("a") != "4" {
		t.Errorf("the requests that were kept are %v", kept)
	}
}
