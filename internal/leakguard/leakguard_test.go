package leakguard_test

import (
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/parleygo/parley/internal/leakguard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type conversation struct{ leave chan struct{} }

//go:noinline
func (c *conversation) run() {
	<-c.leave
	runtime.KeepAlive(c)
}

// TestStack: among several goroutines that do the same, the one is found, wherever its
// receiver lives; and one that is not there is not.
func TestStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conversations := make([]*conversation, 100)
		for i := range conversations {
			conversations[i] = &conversation{make(chan struct{})}
			go conversations[i].run()
		}
		synctest.Wait()
		var log strings.Builder
		guard := &leakguard.Guard{Logger: slog.New(slog.NewTextHandler(&log, nil))}
		report := func(of *conversation) string {
			log.Reset()
			guard.Report(leakguard.Overdue{Frame: "leakguard_test.(*conversation).run", Of: of})
			return log.String()
		}
		for _, c := range conversations {
			if got := report(c); strings.Count(got, fmt.Sprintf("run(%p", c)) != 1 {
				t.Fatalf("the stack of %p: %s", c, got)
			}
		}
		if got := report(new(conversation)); !strings.Contains(got, `stack="not found"`) {
			t.Error(got)
		}
		if got := guard.Leaked(); got != 101 {
			t.Errorf("%d reported", got)
		}
		for _, c := range conversations {
			close(c.leave)
		}
	})
}

// TestWatch: whatever comes first, an app is reported if it goes on for longer, and once.
func TestWatch(t *testing.T) {
	for _, c := range []struct {
		name string
		acts func(w *leakguard.Watch, ended func())
		want int32
	}{
		{"goes on", func(_ *leakguard.Watch, ended func()) { ended(); ended() }, 1},
		{"returns in time", func(w *leakguard.Watch, ended func()) { ended(); time.Sleep(9 * time.Nanosecond); w.Returned() }, 0},
		{"returns first", func(w *leakguard.Watch, ended func()) { w.Returned(); ended() }, 0},
		{"never ends", func(*leakguard.Watch, func()) {}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w leakguard.Watch
				var reports atomic.Int32
				c.acts(&w, func() { w.Ended(10, func() { reports.Add(1) }) })
				time.Sleep(time.Second)
				if got := reports.Load(); got != c.want {
					t.Errorf("reported %d times, want %d", got, c.want)
				}
			})
		})
	}
}
