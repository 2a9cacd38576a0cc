package monitor_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley/internal/monitor"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestUntil(t *testing.T) {
	ended, end := context.WithCancelCause(context.Background())
	end(io.EOF)
	for name, row := range map[string]struct {
		ctx  context.Context
		from int // the state at first
		want error
	}{
		"there already":                  {context.Background(), 3, nil},
		"comes":                          {context.Background(), 0, nil},
		"there already, though ctx ends": {ended, 3, nil},
		"ctx has ended":                  {ended, -10, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var m monitor.Monitor
				state := row.from
				var all sync.WaitGroup
				for range 3 {
					all.Go(func() {
						if err := m.Until(row.ctx, func() bool { return state >= 3 }); !errors.Is(err, row.want) {
							t.Errorf("Until: %v", err)
						}
					})
					all.Go(func() { m.Update(func() { state++ }) })
				}
				all.Wait()
				m.Look(func() {
					if state != row.from+3 {
						t.Errorf("state %d", state)
					}
				})
			})
		})
	}
}

// A ctx that ends while somebody waits ends the wait.
func TestUntilCtxEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m monitor.Monitor
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			synctest.Wait()
			cancel(io.EOF)
		}()
		if err := m.Until(ctx, func() bool { return false }); err != io.EOF {
			t.Errorf("Until: %v", err)
		}
	})
}
