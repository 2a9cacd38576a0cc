package wiring_test

import (
	"net/http"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/leak"
	"github.com/parleygo/parley/internal/wiring"
)

func TestMain(m *testing.M) { leak.Main(m) }

func TestNeed(t *testing.T) {
	var app parley.App
	for name, c := range map[string]struct {
		value any
		want  any // the panic
	}{
		"nothing":        {nil, "a: New of a nil app"},
		"no app":         {app, "a: New of a nil app"},
		"no function":    {parley.AppFunc(nil), "a: New of a nil app"},
		"no handler":     {http.HandlerFunc(nil), "a: New of a nil app"},
		"an app":         {parley.LifespanHooks{}, nil},
		"a function":     {parley.AppFunc(parley.LifespanHooks{}.Serve), nil},
		"a nil pointer":  {(*parley.LifespanHooks)(nil), nil}, // its methods may be made for it
		"an empty value": {0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got := recover(); got != c.want {
					t.Errorf("panics with %v, want %v", got, c.want)
				}
			}()
			wiring.Need("a: New", "app", c.value)
		})
	}
}
