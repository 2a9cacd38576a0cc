package lifetime_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/internal/lifetime"
)

// request is a context as net/http makes those of requests.
func request(base context.Context) (ctx context.Context, cancel context.CancelFunc) {
	conn, cancelConn := context.WithCancel(context.WithValue(base, nameKey{}, "kim"))
	ctx, cancelRequest := context.WithCancel(conn)
	return ctx, func() { cancelRequest(); cancelConn() }
}

// What is borrowed shows what the other shows, before its end and after it.
func TestBorrowed(t *testing.T) {
	type parts struct {
		cancel  context.CancelFunc
		endBase context.CancelCauseFunc
	}
	for name, test := range map[string]struct {
		end  func(parts)
		want error
	}{
		"none":                 {func(parts) {}, nil},
		"cancelled":            {func(p parts) { p.cancel() }, context.Canceled},
		"by a cause":           {func(p parts) { p.endBase(errParent) }, errParent},
		"cancelled, and later": {func(p parts) { p.cancel(); p.endBase(errParent) }, context.Canceled},
		"in time": {func(parts) { time.Sleep(2 * time.Hour); synctest.Wait() },
			context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				timed, stop := context.WithTimeout(t.Context(), time.Hour)
				defer stop()
				base, end := context.WithCancelCause(timed)
				defer end(nil)
				other, cancel := request(base)
				defer cancel()
				same, values := lifetime.Borrow(other)
				child, cancelChild := context.WithCancelCause(same)
				defer cancelChild(nil)
				test.end(parts{cancel, end})
				synctest.Wait()
				late, cancelLate := context.WithCancelCause(same)
				defer cancelLate(nil)
				for _, ctx := range []context.Context{same, child, late} {
					if got := context.Cause(ctx); got != test.want {
						t.Errorf("cause %v, not %v", got, test.want)
					}
					if (ctx.Err() != nil) != (test.want != nil) || same.Err() != other.Err() {
						t.Errorf("error %v, not %v", ctx.Err(), other.Err())
					}
					select {
					case <-ctx.Done():
						if test.want == nil {
							t.Error("it is done")
						}
					default:
						if test.want != nil {
							t.Error("it is not done")
						}
					}
				}
				at, is := same.Deadline()
				if otherAt, otherIs := other.Deadline(); !at.Equal(otherAt) || is != otherIs {
					t.Error("the deadline is another one")
				}
				if same.Value(nameKey{}) != "kim" || values.Value(nameKey{}) != "kim" {
					t.Error("the values are lost")
				}
			})
		})
	}
}

// Nothing is borrowed where nothing can be let go of.
func TestBorrowsNothing(t *testing.T) {
	cancelled, cancel := request(t.Context())
	defer cancel()
	for name, ctx := range map[string]context.Context{
		"nothing to cancel": context.Background(),
		"a value on top":    context.WithValue(cancelled, nameKey{}, "lee"),
	} {
		if same, values := lifetime.Borrow(ctx); same != ctx || values != ctx {
			t.Errorf("%s: it is another one", name)
		}
	}
}

// A context that was cancelled is let go of. It depends on how package context builds
// them.
func TestBorrowedLetsGo(t *testing.T) {
	var kept atomic.Int32
	same := borrowAndCancel(t.Context(), &kept)
	for deadline := time.Now().Add(10 * time.Second); kept.Load() > 0; runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatal("it is kept")
		}
		runtime.Gosched() // what lets go is on its way
	}
	if same.Value(nameKey{}) != "kim" {
		t.Error("the values are lost")
	}
}

//go:noinline
func borrowAndCancel(base context.Context, kept *atomic.Int32) (same context.Context) {
	ctx, cancel := request(base)
	defer cancel()
	kept.Store(1)
	runtime.SetFinalizer(ctx, func(context.Context) { kept.Add(-1) })
	same, _ = lifetime.Borrow(ctx)
	return same
}
