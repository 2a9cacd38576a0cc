package worker_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/router"
	"github.com/parleygo/parley/worker"
)

// Mistakes in the wiring panic at start-up, and say what they are.
func TestWiringMistakes(t *testing.T) {
	layer, app, jobs := newLayer(t), router.Channels{}, []channel.Name{"jobs"}
	named := func(names ...channel.Name) func() {
		return func() { worker.New(layer, app, names, worker.Options{}) }
	}
	for _, test := range []struct {
		mistake string
		make    func()
		words   string
	}{
		{"no layer", func() { worker.New(nil, app, jobs, worker.Options{}) }, "nil layer"},
		{"no app", func() { worker.New(layer, nil, jobs, worker.Options{}) }, "nil app"},
		{"no function", func() { worker.New(layer, parley.AppFunc(nil), jobs, worker.Options{}) },
			"nil app"},
		{"no names", named(), "name of a channel"},
		{"bad name", named("a b"), `"a b"`},
		{"same name", named("a", "a"), `"a"`},
		{"negative concurrency", func() { worker.New(layer, app, jobs, worker.Options{Concurrency: -1}) },
			"Options.Concurrency"},
		{"no job", func() { worker.Job[int](nil) }, "Job of a nil function"},
	} {
		t.Run(test.mistake, func(t *testing.T) {
			defer func() {
				got := fmt.Sprint(recover())
				if !strings.HasPrefix(got, "worker: ") || !strings.Contains(got, test.words) {
					t.Errorf("panicked with %q, want %q", got, test.words)
				}
			}()
			test.make()
		})
	}
	worker.New(layer, app, jobs, worker.Options{Attempts: -1, Grace: -time.Second}) // no limits
	_ = worker.Job(func(context.Context, int) error { return nil })
}
