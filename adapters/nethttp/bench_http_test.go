package nethttp_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/router"
)

var hello = []byte("hello\n")

func bareHello(w http.ResponseWriter, r *http.Request) {
	w.Header()["Content-Type"] = []string{"text/plain"}
	w.Write(hello)
}

// wholeHello says the same at once.
var wholeHello = parley.AppFunc(func(
	ctx context.Context, scope *parley.Scope, conn parley.Conn,
) error {
	header := http.Header{"Content-Type": {"text/plain"}}
	return parley.Respond(ctx, conn, http.StatusOK, header, hello)
})

// eventHello says the same in events.
var eventHello = parley.AppFunc(func(
	ctx context.Context, scope *parley.Scope, conn parley.Conn,
) error {
	if _, err := conn.Receive(ctx); err != nil {
		return err
	}
	header := http.Header{"Content-Type": {"text/plain"}}
	if err := conn.Send(ctx, parley.HTTPResponseStart{Status: 200, Header: header}); err != nil {
		return err
	}
	return conn.Send(ctx, parley.HTTPResponseBody{Body: hello})
})

// decides is middleware that looks at the scope and passes everything on.
func decides(next parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if scope.Request.Method == http.MethodTrace {
			return parley.ErrNotFound
		}
		return next.Serve(ctx, scope, conn)
	})
}

// tower puts two routers and five deciding middlewares above h.
func tower(h http.Handler) parley.App {
	routes := new(router.URLs)
	routes.Handle("/hello", nethttp.App(h))
	return parley.Chain(router.Protocols{parley.HTTP: parley.Chain(routes, decides, decides)}, decides,
		decides, decides)
}

func ginHello() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/hello", func(c *gin.Context) { bareHello(c.Writer, c.Request) })
	return engine
}

// BenchmarkHTTP serves a request in process and reports what the kit adds to the
// bare handler of the same run, in ns (the median of many interleaved rounds) and
// allocations.
func BenchmarkHTTP(b *testing.B) {
	bare := http.HandlerFunc(bareHello)
	engine := ginHello()
	for _, row := range []struct {
		name      string
		bare, kit http.Handler
	}{
		{"identity", bare, nethttp.Handler(nethttp.App(bare))},
		{"identity-gin", engine, nethttp.Handler(parleygin.App(engine))},
		{"one-middleware", bare, nethttp.Handler(decides(nethttp.App(bare)))},
		{"tower", bare, nethttp.Handler(tower(bare))},
		{"tower-gin", engine, nethttp.Handler(tower(engine))},
		{"events", bare, nethttp.Handler(eventHello)},
	} {
		b.Run(row.name, func(b *testing.B) { compareHTTP(b, row.bare, row.kit) })
	}
}

func compareHTTP(b *testing.B, bare, kit http.Handler) {
	const round = 500
	request, _ := http.NewRequest("GET", "/hello", nil)
	request.RequestURI = "/hello"
	request.Body = http.NoBody
	one := func(h http.Handler) func() {
		w := &discardWriter{header: make(http.Header)}
		return func() {
			clear(w.header)
			h.ServeHTTP(w, request)
		}
	}
	runBare, runKit := one(bare), one(kit)
	var bareNS, kitNS []float64
	for b.Loop() {
		bareNS = append(bareNS, timeRound(round, runBare))
		kitNS = append(kitNS, timeRound(round, runKit))
	}
	slices.Sort(bareNS)
	slices.Sort(kitNS)
	middle := len(bareNS) / 2
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(bareNS[middle], "bare-ns")
	b.ReportMetric(kitNS[middle]-bareNS[middle], "added-ns")
	b.ReportMetric(testing.AllocsPerRun(1000, runKit)-testing.AllocsPerRun(1000, runBare),
		"added-allocs")
}

func timeRound(n int, f func()) float64 {
	start := time.Now()
	for range n {
		f()
	}
	return float64(time.Since(start).Nanoseconds()) / float64(n)
}

type discardWriter struct{ header http.Header }

func (w *discardWriter) Header() http.Header         { return w.header }
func (w *discardWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *discardWriter) WriteHeader(int)             {}

// TestAllocsIdentity and its like hold the kit to what it promises.
func TestAllocsIdentity(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector has sync.Pool drop things; make allocs runs this without")
	}
	bare := http.HandlerFunc(bareHello)
	engine := ginHello()
	for name, row := range map[string]struct {
		bare, kit http.Handler
		added     float64
	}{
		"handler":        {bare, nethttp.Handler(nethttp.App(bare)), 0},
		"engine":         {engine, nethttp.Handler(parleygin.App(engine)), 0},
		"handler, tower": {bare, nethttp.Handler(tower(bare)), 0},
		"engine, tower":  {engine, nethttp.Handler(tower(engine)), 0},
		"events":         {bare, nethttp.Handler(eventHello), 4},
		"whole":          {bare, nethttp.Handler(wholeHello), 0},
	} {
		request, _ := http.NewRequest("GET", "/hello", nil)
		w := &discardWriter{header: make(http.Header)}
		count := func(h http.Handler) float64 {
			return testing.AllocsPerRun(1000, func() {
				clear(w.header)
				h.ServeHTTP(w, request)
			})
		}
		if added := count(row.kit) - count(row.bare); added > row.added {
			t.Errorf("%s: %v allocations added, want at most %v", name, added, row.added)
		}
	}
}
