package parleygin

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/protocol"
)

// App makes an app of a gin engine; nethttp.Handler of it is the engine again.
// The app's context values reach gin's handlers through c.Request.Context().
func App(engine *gin.Engine) parley.App {
	if engine == nil {
		panic("parleygin: App of a nil engine")
	}
	return nethttp.App(engine)
}

// Handler makes a gin handler of an app, with none or one Options. Its default mode
// is nethttp.Hold: gin middleware expects to stand around the whole session of a
// WebSocket. nethttp.Detach has it return after the upgrade.
func Handler(app parley.App, options ...nethttp.Options) gin.HandlerFunc {
	if len(options) == 0 {
		options = make([]nethttp.Options, 1)
	}
	if options = slices.Clone(options); options[0].Mode == nethttp.DefaultMode {
		options[0].Mode = nethttp.Hold
	}
	return Gateway(nethttp.Handler(app, options...))
}

// Gateway makes a gin handler of a gateway that the caller keeps, to Drain it.
// Give it the mode nethttp.Hold if gin middleware is to stand around whole sessions.
func Gateway(gateway *nethttp.Gateway) gin.HandlerFunc {
	if gateway == nil {
		panic("parleygin: Gateway of nil")
	}
	return func(c *gin.Context) {
		if c.FullPath() == "" {
			c.Status(http.StatusOK) // NoRoute and NoMethod have set their own
		}
		serve(gateway, c)
	}
}

// serve has h serve c's request, and removes the temporary files of a form that h has
// parsed: net/http does so for its own request only, of which h has a copy.
func serve(h http.Handler, c *gin.Context) {
	r := request(c)
	if r.MultipartForm == nil {
		defer protocol.RemoveFiles(r)
	}
	h.ServeHTTP(c.Writer, r)
}

// request is c's request with what gin knows of it.
func request(c *gin.Context) *http.Request {
	protocol.ShareTrailers(c.Request)
	r := c.Request.WithContext(withFacts(c))
	for _, param := range c.Params {
		r.SetPathValue(param.Key, param.Value)
	}
	if pattern := c.FullPath(); pattern != "" {
		r.Pattern = pattern
	}
	return r
}

// Middleware makes parley middleware of gin handlers, for HTTP conversations and
// WebSocket handshakes; other protocols pass it by. A handler that aborts
// answers in the app's place; on a handshake that is a denial. What the handlers
// put into the gin context's keys reaches the app through Value.
func Middleware(handlers ...gin.HandlerFunc) parley.Middleware {
	for i, handler := range handlers {
		if handler == nil {
			panic(fmt.Sprintf("parleygin: Middleware: handler %d is nil", i))
		}
	}
	return nethttp.Middleware(func(next http.Handler) http.Handler {
		engine := gin.New()
		engine.ContextWithFallback = true
		engine.RedirectTrailingSlash = false
		engine.RedirectFixedPath = false
		engine.SetTrustedProxies(nil) // gin would believe anybody's X-Forwarded-For
		engine.Use(handlers...)
		engine.NoRoute(func(c *gin.Context) {
			c.Status(http.StatusOK) // NoRoute has set 404
			serve(next, c)
		})
		return engine
	})
}
