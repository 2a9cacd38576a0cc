package router

import (
	"reflect"
	"unsafe"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/wiring"
)

// parent is an app that hands the lifespan on: its apps hear of it in its place.
type parent interface{ apps() []parley.App }

// distinct lists the apps at the end of all routers among apps, in order, each
// once.
func distinct(apps []parley.App) []parley.App {
	var leaves []parley.App
	seen := make(map[any]bool)
	var visit func([]parley.App)
	visit = func(apps []parley.App) {
		for _, app := range apps {
			if app == nil {
				continue
			}
			if wiring.Missing(app) {
				panic("router: an app is a nil function")
			}
			if id := identity(app); id != nil {
				if seen[id] {
					continue
				}
				seen[id] = true
			}
			if p, ok := app.(parent); ok {
				visit(p.apps())
			} else {
				leaves = append(leaves, app)
			}
		}
	}
	visit(apps)
	return leaves
}

// identity returns a key that is the same for the same app, or nil for an app
// that is never the same as another.
func identity(app parley.App) any {
	if f, ok := app.(parley.AppFunc); ok {
		// Funcs do not compare, and reflect tells closures of one func
		// literal apart as little as fmt does. The func value itself does: it
		// is a pointer to the closure.
		return *(*unsafe.Pointer)(unsafe.Pointer(&f))
	}
	v := reflect.ValueOf(app)
	switch {
	case v.Comparable():
		return app
	case v.Kind() == reflect.Map:
		return v.UnsafePointer()
	}
	return nil
}
