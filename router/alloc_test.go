package router_test

import (
	"net/http/httptest"
	"testing"

	"github.com/parleygo/parley"
)

// A route costs no more memory than ServeMux takes for it; one that is all
// literal, or differs by method only, costs none.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget on purpose")
	}
	for _, test := range paths {
		t.Run(test.name, func(t *testing.T) {
			tree := newTree()
			scope := &parley.Scope{Protocol: parley.HTTP, Request: httptest.NewRequest("GET", test.path, nil)}
			r := httptest.NewRequest("GET", test.path, nil)
			ctx := t.Context()
			got := testing.AllocsPerRun(200, func() { _ = tree.app.Serve(ctx, scope, nil) })
			limit := testing.AllocsPerRun(200, func() { tree.mux.ServeHTTP(nowhere{}, r) }) + test.extra
			if got > limit {
				t.Errorf("%v allocations, want at most %v", got, limit)
			}
		})
	}
}
