package parleygin_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/nethttp"
)

// TestMistakes: each panics when the program starts, with words that say what is
// wrong.
func TestMistakes(t *testing.T) {
	none := func(c *gin.Context) {}
	for _, test := range []struct {
		mistake string
		make    func()
		words   []string
	}{
		{"no engine", func() { parleygin.App(nil) }, []string{"parleygin: App", "nil engine"}},
		{"no gateway", func() { parleygin.Gateway(nil) }, []string{"parleygin: Gateway", "nil"}},
		{"no app", func() { parleygin.Handler(nil) }, []string{"Handler of a nil app"}},
		{"no function", func() { parleygin.Handler(parley.AppFunc(nil)) },
			[]string{"Handler of a nil app"}},
		{"two options", func() { parleygin.Handler(greeter, nethttp.Options{}, nethttp.Options{}) },
			[]string{"Handler takes one Options"}},
		{"wrong option", func() { parleygin.Handler(greeter, nethttp.Options{RootPath: "api"}) },
			[]string{"Options.RootPath", `write "/api"`}},
		{"no handler", func() { parleygin.Middleware(none, nil) },
			[]string{"parleygin: Middleware", "handler 1 is nil"}},
		{"nothing behind", func() { parleygin.Middleware(none)(nil) },
			[]string{"Middleware of a nil app"}},
	} {
		t.Run(test.mistake, func(t *testing.T) {
			defer func() {
				got := fmt.Sprint(recover())
				for _, word := range test.words {
					if !strings.Contains(got, word) {
						t.Errorf("panicked with %q, want %q", got, word)
					}
				}
			}()
			test.make()
		})
	}
}
