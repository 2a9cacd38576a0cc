package router_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/parleygo/parley"
)

// A route costs no more memory than ServeMux takes for it. One without wildcards costs
// none, nor does one whose values stay in the scope.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, test := range paths {
		t.Run(test.name, func(t *testing.T) {
			tree := newTree(false)
			fresh, r := *httptest.NewRequest("GET", test.path, nil), new(http.Request)
			scope := &parley.Scope{Protocol: parley.HTTP, Request: new(http.Request)}
			ctx := t.Context()
			serve := func(app parley.App) float64 {
				return testing.AllocsPerRun(200, func() {
					*scope.Request = fresh
					_ = app.Serve(ctx, scope, nil)
				})
			}
			mux := testing.AllocsPerRun(200, func() {
				*r = fresh
				tree.mux.ServeHTTP(nowhere{}, r)
			})
			if got := serve(tree.app); got != test.request || got > mux {
				t.Errorf("%v allocations, want %v; ServeMux %v", got, test.request, mux)
			}
			if got := serve(newTree(true).app); got != test.inScope {
				t.Errorf("%v allocations in the scope, want %v", got, test.inScope)
			}
		})
	}
}
