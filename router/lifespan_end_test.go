package router_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
						!strings.Contains(string(panicked.Stack), "lifespan_end_test.go") {
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

// Apps that return without a word take no part; where none does, nor does the router.
func TestLifespanOfNobody(t *testing.T) {
	for name, apps := range map[string][]parley.App{
		"silent": {nothing}, "refusing": {echo}, "both": {nothing, echo},
	} {
		t.Run(name, func(t *testing.T) {
			u := new(router.URLs)
			for i, app := range apps {
				u.Handle("/"+strconv.Itoa(i), app)
			}
			answers, err := life(t, u)
			if !errors.Is(err, errors.ErrUnsupported) || len(answers) > 0 {
				t.Errorf("%v, %v", answers, err)
			}
		})
	}
}

// The router waits for the first of its apps as for all others, however slowly it
// goes.
func TestLifespanWaitsForTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		returned := false
		u := new(router.URLs)
		u.Handle("/slow", parley.AppFunc(
			func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
				if _, err := conn.Receive(ctx); err != nil {
					return err
				}
				if err := conn.Send(ctx, started); err != nil {
					return err
				}
				<-ctx.Done()
				time.Sleep(time.Minute)
				returned = true
				return nil
			}))
		p := &process{make(chan parley.Event, 2), make(chan parley.Event, 2)}
		p.told <- parley.LifespanStartup{}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = u.Serve(ctx, &parley.Scope{Protocol: parley.Lifespan}, p)
		}()
		synctest.Wait()
		cancel()
		if <-done; !returned {
			t.Error("the router has returned before its app")
		}
	})
}
