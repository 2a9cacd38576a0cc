package auth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/auth"
)

// nowhere is a ResponseWriter that costs nothing.
type nowhere struct{ header http.Header }

func (w nowhere) Header() http.Header       { return w.header }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

// What Middleware adds to a short request: of nobody, and of somebody, a good part
// of which is the signature.
func BenchmarkShortRequest(b *testing.B) {
	bearer := newBearer()
	token := tokenFor(b, "ann", time.Hour)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auth.User[*account](r.Context())
		w.WriteHeader(http.StatusNoContent)
	})
	app := authWith(bearer)(nethttp.App(handler))
	for name, header := range map[string]string{"nobody": "", "somebody": "Bearer " + token} {
		b.Run(name, func(b *testing.B) {
			gateway := nethttp.Handler(app)
			r := httptest.NewRequest("GET", "/", nil)
			if header != "" {
				r.Header.Set("Authorization", header)
			}
			w := nowhere{make(http.Header)}
			b.ReportAllocs()
			for b.Loop() {
				gateway.ServeHTTP(w, r)
			}
		})
	}
	b.Run("verify alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := bearer.Verify(b.Context(), token); err != nil {
				b.Fatal(err)
			}
		}
	})
}
