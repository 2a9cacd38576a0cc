package arch_test

import (
	"slices"
	"testing"
)

// bridged are the packages that run blocking code on the bridge, or show what it does.
// Its engine starts goroutines of its own in every program that it is linked into.
// Nobody else may bring it in, by whatever way.
var bridged = []string{
	"bridge", "adapters/blocking", "server/inspect", "internal/leak", "internal/semantics"}

func TestOnlyTheBridgeBringsItsEngine(t *testing.T) {
	packages := list(t)
	imports := make(map[string][]string, len(packages))
	for _, p := range packages {
		imports[p.ImportPath] = p.Imports
	}
	brings := map[string]bool{"github.com/panjf2000/ants/v2": true}
	var reach func(path string) bool
	reach = func(path string) bool {
		known, found := brings[path]
		if !found {
			brings[path] = false // until the contrary is shown; there are no cycles
			known = slices.ContainsFunc(imports[path], reach)
			brings[path] = known
		}
		return known
	}
	for _, p := range packages {
		name, ours := local(p.ImportPath)
		if ours && reach(p.ImportPath) != slices.Contains(bridged, name) {
			t.Errorf("%s brings in the engine of the bridge: %v", name, reach(p.ImportPath))
		}
	}
}
