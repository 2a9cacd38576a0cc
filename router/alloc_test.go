package router_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/parleygo/parley"
)

// A route costs no more memory than ServeMux takes for it; one without wildcards
// costs none.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, test := range paths {
		t.Run(test.name, func(t *testing.T) {
			tree := newTree()
			fresh, r := *httptest.NewRequest("GET", test.path, nil), new(http.Request)
			scope := &parley.Scope{Protocol: parley.HTTP, Request: new(http.Request)}
			ctx := t.Context()
			got := testing.AllocsPerRun(200, func() {
				*scope.Request = fresh
				_ = tree.app.Serve(ctx, scope, nil)
			})
			mux := testing.AllocsPerRun(200, func() {
				*r = fresh
				tree.mux.ServeHTTP(nowhere{}, r)
			})
			if got > test.allocs || got > mux {
				t.Errorf("%v allocations, want at most %v; ServeMux %v", got, test.allocs, mux)
			}
		})
	}
}
