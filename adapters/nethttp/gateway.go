package nethttp

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
	"github.com/parleygo/parley/internal/leakguard"
	"github.com/parleygo/parley/internal/socket"
	"github.com/parleygo/parley/internal/wiring"
)

// Gateway is an app as an http.Handler. It is safe for concurrent use.
type Gateway struct {
	app      parley.App
	handler  http.Handler // app is nothing but this handler
	options  settings
	upgrader *socket.Upgrader
	live     registry
	requests requests
	sockets  socketEnds
	leaks    leakguard.Guard
	endings  census.Endings
	joined   atomic.Bool // the process that serves it, if it keeps a list

	draining atomic.Bool
	overdue  atomic.Int64 // when a drain waits for nobody any more (meter.Now)

	spooled atomic.Int64  // bytes that spools hold
	slow    atomic.Uint64 // conversations cut for slow clients
	panics  atomic.Uint64 // apps of WebSockets that did not return
	refused atomic.Uint64 // handshakes that no app has seen
	denied  atomic.Uint64 // and those of which no socket came

	bases          sync.Map // of context.Context, by *http.Server
	originWarnings seldom
}

// Handler makes an http.Handler of app. A handler that App has wrapped is
// unwrapped again: it gets what net/http gives it, untouched.
func Handler(app parley.App, list ...Options) *Gateway {
	wiring.Need("nethttp: Handler", "app", app)
	g := &Gateway{app: app, options: complete(one("Handler", list))}
	g.upgrader = socket.NewUpgrader(g.options.WebSocket)
	g.init()
	if wrapped, ok := app.(*handlerApp); ok && g.options.RootPath == "" {
		g.handler = wrapped.handler
	}
	return g
}

func (g *Gateway) init() {
	g.leaks.After, g.leaks.Logger = g.options.LeakAfter, g.options.Logger
	g.requests.guard = &g.leaks
}

// ServeHTTP serves one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !g.joined.Load() {
		g.joined.Store(true)
		g.join(r.Context())
	}
	switch {
	case g.handler != nil:
		g.serveHandler(w, r)
	case !socket.Requested(r):
		g.serveHTTP(w, r)
	default:
		g.serveHandshake(w, r)
	}
}

// serveHandshake has a stack frame of its own, which is large.
//
//go:noinline
func (g *Gateway) serveHandshake(w http.ResponseWriter, r *http.Request) {
	if !g.serveHandover(w, r) {
		g.serveWebSocket(g.app, w, r, parley.Scope{RootPath: g.options.RootPath})
	}
}

// serveHandler serves a request to a handler alone.
//
//parley:noescape
func (g *Gateway) serveHandler(w http.ResponseWriter, r *http.Request) {
	rec := records.Get().(*record)
	rec.enter(&g.requests, r)
	broke := true
	defer func() {
		rec.leave(broke, g.ended(rec, false))
		records.Put(rec)
	}()
	rec.serve(g.handler, w, r)
	broke = false
}

// What the server below can do. The slices are shared and never written to.
var (
	withoutTrailers = []parley.Extension{
		parley.ExtensionEarlyHint, parley.ExtensionZeroCopySend, parley.ExtensionPathSend}
	withTrailers = append(slices.Clone(withoutTrailers), parley.ExtensionTrailers)
	withDenial   = []parley.Extension{parley.ExtensionDenial}
)
