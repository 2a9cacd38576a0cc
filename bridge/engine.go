package bridge

import (
	"context"

	"github.com/panjf2000/ants/v2"
)

// Engine starts goroutines for a [Bridge]. It recycles them if it likes; order, limits and
// cancellation are the bridge's own. Go must not wait for the task to end and must be safe for
// concurrent use. An Engine that returns an error has not run the task; the bridge then starts a
// plain goroutine, so no call is lost.
type Engine interface {
	Go(task func()) error
}

// Goroutines is an [Engine] that uses the go statement. Unlike the default engine it keeps no
// timer, so a test in a synctest bubble that hangs is reported as a deadlock at once.
type Goroutines struct{}

// Go runs task on a new goroutine and returns nil.
func (Goroutines) Go(task func()) error {
	go task()
	return nil
}

// antsEngine is the default: an ants pool without a bound of its own, because ants' bound cannot be
// cancelled and locks up when calls nest. What it buys is the reuse of grown stacks.
type antsEngine struct{ pool *ants.Pool }

func newAntsEngine() (*antsEngine, error) {
	pool, err := ants.NewPool(-1)
	if err != nil {
		return nil, err
	}
	return &antsEngine{pool}, nil
}

func (e *antsEngine) Go(task func()) error { return e.pool.Submit(task) }

func (e *antsEngine) release() error { return e.pool.ReleaseContext(context.Background()) }
