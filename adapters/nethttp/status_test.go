package nethttp_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// TestErrorsKeepWhatIsNotTheirs: what middleware has said of the app's answer does not
// hold for one that the gateway gives in its place; the rest goes out with it.
func TestErrorsKeepWhatIsNotTheirs(t *testing.T) {
	for _, c := range []struct {
		name        string
		above, want http.Header
	}{
		{"nothing", nil, http.Header{}},
		{"of the body", http.Header{
			"Etag": {`"a"`}, "Content-Encoding": {"gzip"}, "Content-Range": {"bytes 0-1/2"},
			"Content-Disposition": {"attachment"}, "Content-Language": {"de"},
			"Last-Modified": {"Thu, 01 Jan 1970 00:00:00 GMT"}, "Content-Length": {"7"},
		}, http.Header{}},
		{"kept for long", http.Header{"Cache-Control": {"public", "max-age=31536000"}},
			http.Header{"Cache-Control": {"no-store"}}},
		{"kept for a time", http.Header{"Expires": {"Thu, 01 Jan 2099 00:00:00 GMT"}},
			http.Header{"Cache-Control": {"no-store"}}},
		{"of the client", http.Header{
			"Access-Control-Allow-Origin": {"*"}, "Vary": {"Origin"}, "Set-Cookie": {"a=1", "b=2"},
		}, http.Header{
			"Access-Control-Allow-Origin": {"*"}, "Vary": {"Origin"}, "Set-Cookie": {"a=1", "b=2"},
		}},
	} {
		for _, failure := range []error{errors.New("test"), parley.ErrNotFound, nil} {
			sets := nethttp.Middleware(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					for name, values := range c.above {
						w.Header()[name] = values
					}
					next.ServeHTTP(w, r)
				})
			})
			app := parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error { return failure })
			w := httptest.NewRecorder()
			options := nethttp.Options{Logger: slog.New(slog.DiscardHandler)}
			nethttp.Handler(sets(app), options).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			got := w.Result().Header
			for _, name := range []string{"Content-Length", "Content-Type", "X-Content-Type-Options"} {
				if len(got[name]) != 1 {
					t.Errorf("%s: %s is %q", c.name, name, got[name])
				}
				got.Del(name)
			}
			if w.Code < 400 || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s, %v: %d %v, want %v", c.name, failure, w.Code, got, c.want)
			}
		}
	}
}
