package router_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/router"
)

// An app that panics has its panic go on when the others have shut down; one that
// ends its goroutine has failed.
func TestLifespanCrash(t *testing.T) {
	for _, when := range []string{"lifespan.startup", "lifespan.shutdown"} {
		for how, crash := range map[string]func(){
			"panic": func() { panic("kaboom") }, "Goexit": runtime.Goexit,
		} {
			t.Run(how+" at "+when, func(t *testing.T) {
				var l logbook
				u := new(router.URLs)
				u.Handle("/a", l.good("a"))
				u.Handle("/b", crashing(when, crash))
				answers, err := life(t, u)
				var panicked *parley.PanicError
				switch {
				case how == "panic":
					if !errors.As(err, &panicked) ||
						!strings.Contains(string(panicked.Stack), "lifespan_crash_test.go") {
						t.Errorf("the panic became %v", err)
					}
				case when == "lifespan.startup":
					if !errors.Is(err, parley.ErrGoexit) {
						t.Errorf("start-up ended with %v", err)
					}
				case len(answers) != 2 || answers[1].EventType() != "lifespan.shutdown.failed":
					t.Errorf("shutdown was answered with %v", answers)
				}
				if !slices.Contains(l.lines, "a hears shutdown") {
					t.Errorf("a was not shut down:\n%s", strings.Join(l.lines, "\n"))
				}
			})
		}
	}
}

func crashing(when string, crash func()) parley.App {
	return parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		for {
			event, err := conn.Receive(ctx)
			if err != nil {
				return err
			}
			if event.EventType() == when {
				crash()
			}
			if err := conn.Send(ctx, started); err != nil {
				return err
			}
		}
	})
}
