package fallback_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/fallback"
)

// TestMistakes: each panics when the program starts, with words that say what is
// wrong.
func TestMistakes(t *testing.T) {
	app := new(host).echo()
	with := func(options fallback.Options) func() { return func() { fallback.New(app, options) } }
	for _, test := range []struct {
		mistake string
		make    func()
		words   string
	}{
		{"no app", func() { fallback.New(nil, fallback.Options{}) }, "New of a nil app"},
		{"no function", func() { fallback.New(parley.AppFunc(nil), fallback.Options{}) },
			"New of a nil app"},
		{"lease", with(fallback.Options{Lease: -1}), "Options.Lease: -1ns is negative"},
		{"poll", with(fallback.Options{PollTimeout: -1}), "Options.PollTimeout: -1ns is negative"},
		{"less memory than a message",
			with(fallback.Options{MaxMemory: 1 << 20, MaxMessage: 2 << 20}), "Options.MaxMemory"},
		{"name of a cookie", with(fallback.Options{CookieName: "a b"}), "Options.CookieName"},
		{"path of a cookie", with(fallback.Options{CookiePath: "/;"}), "Options.CookiePath"},
		{"path of a cookie that has one",
			with(fallback.Options{CookieName: "__Host-a", CookiePath: "/a"}), "Options.CookiePath"},
		{"end without a cause", func() { fallback.New(app, fallback.Options{}).End(1, nil) },
			"End without a cause"},
	} {
		t.Run(test.mistake, func(t *testing.T) {
			defer func() {
				got := fmt.Sprint(recover())
				if !strings.HasPrefix(got, "fallback: ") || !strings.Contains(got, test.words) {
					t.Errorf("panicked with %q, want %q", got, test.words)
				}
			}()
			test.make()
		})
	}
	fallback.New(app, fallback.Options{Heartbeat: -1, MaxSessions: -1, QueueBytes: -1}) // no limits
}
