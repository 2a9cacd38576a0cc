package middleware_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
	"github.com/parleygo/parley/router"
)

// TestTimeoutReportAsksTheScope: a router below writes to the scope and its request while
// Report asks for what is in them.
func TestTimeoutReportAsksTheScope(t *testing.T) {
	for _, inScope := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			limit := middleware.Timeout(time.Second, middleware.TimeoutOptions{
				Report: func(_ context.Context, scope *parley.Scope, _ *middleware.Refusal) {
					if got := scope.PathValue("id") + scope.Request.Pattern; got != "" {
						t.Errorf("reported %q", got)
					}
				},
			})
			routes := &router.URLs{ScopeValues: inScope}
			routes.Handle("/{id}", parley.AppFunc(
				func(ctx context.Context, _ *parley.Scope, _ parley.Conn) error {
					<-ctx.Done()
					return ctx.Err()
				}))
			if got := parleytest.Start(t, limit(routes), get("/7")).Response(); got.Status != 503 {
				t.Errorf("%d, %v", got.Status, got.Err)
			}
		})
	}
}

// TestTimeoutAboveRouters: the deadline comes while a router below writes to its request.
// Who stands above sees no half of it, and learns of the route in the end.
func TestTimeoutAboveRouters(t *testing.T) {
	for _, inScope := range []bool{false, true} {
		for path, want := range map[string]int{"/slow/7": 503, "/quick/7": 200} {
			most := time.Millisecond
			if want == 200 {
				most = time.Hour
			}
			var logged *middleware.Access
			log := middleware.AccessLog(middleware.AccessLogOptions{
				Record: func(_ context.Context, a *middleware.Access) { logged = a },
			})
			limit := middleware.Timeout(most, middleware.TimeoutOptions{})
			routes := &router.URLs{ScopeValues: inScope}
			routes.Handle("/slow/{id}", parley.AppFunc(
				func(ctx context.Context, scope *parley.Scope, _ parley.Conn) error {
					<-ctx.Done()
					if scope.PathValue("id") != "7" {
						t.Errorf("%q", scope.PathValue("id"))
					}
					return ctx.Err()
				}))
			routes.Handle("/quick/{id}", nethttp.App(http.HandlerFunc(
				func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.PathValue("id")) })))
			w := httptest.NewRecorder()
			nethttp.Handler(parley.Chain(routes, log, limit)).
				ServeHTTP(w, httptest.NewRequest("GET", path, nil))
			if w.Code != want || logged == nil || logged.Route != path[:len(path)-1]+"{id}" {
				t.Errorf("%s: %d %q, logged %+v", path, w.Code, w.Body, logged)
			}
		}
	}
}

// TestTimeoutBetweenRouters: what the one below captures is not put into what the one above
// has put on the request, and that Report may be looking at.
func TestTimeoutBetweenRouters(t *testing.T) {
	limit := middleware.Timeout(time.Millisecond, middleware.TimeoutOptions{
		Report: func(_ context.Context, scope *parley.Scope, _ *middleware.Refusal) {
			if a, b := scope.PathValue("a"), scope.PathValue("b"); a != "1" || b != "" {
				t.Errorf("reported %q, %q", a, b)
			}
		},
	})
	below := new(router.URLs)
	below.Handle("/{b}", parley.AppFunc(
		func(ctx context.Context, scope *parley.Scope, _ parley.Conn) error {
			<-ctx.Done()
			if a, b := scope.PathValue("a"), scope.PathValue("b"); a != "1" || b != "2" {
				t.Errorf("the app has %q, %q", a, b)
			}
			return ctx.Err()
		}))
	above := new(router.URLs)
	above.Mount("/{a}", limit(below))
	w := httptest.NewRecorder()
	nethttp.Handler(above).ServeHTTP(w, httptest.NewRequest("GET", "/1/2", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}
