package lifetime_test

import (
	"context"
	"runtime"
	"sync"
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

// What is lent shows what the other shows, before its end and after it, whoever has
// looked before it was taken back.
func TestLent(t *testing.T) {
	type parts struct {
		lent    *lifetime.Lent
		cancel  context.CancelFunc
		endBase context.CancelCauseFunc
	}
	for name, test := range map[string]struct {
		end  func(parts)
		want error
	}{
		"none":       {func(parts) {}, nil},
		"cancelled":  {func(p parts) { p.cancel() }, context.Canceled},
		"by a cause": {func(p parts) { p.endBase(errParent) }, errParent},
		"cancelled, and later": {
			func(p parts) { p.cancel(); p.endBase(errParent) }, context.Canceled},
		"in time": {
			func(parts) { time.Sleep(2 * time.Hour); synctest.Wait() }, context.DeadlineExceeded},
		"taken back": {func(p parts) { p.lent.TakeBack() }, context.Canceled},
		"taken back twice": {
			func(p parts) { p.lent.TakeBack(); p.cancel(); p.lent.TakeBack() }, context.Canceled},
		"taken back, and later": {
			func(p parts) { p.lent.TakeBack(); p.endBase(errParent) }, context.Canceled},
		"cancelled, and taken back": {
			func(p parts) { p.cancel(); p.lent.TakeBack() }, context.Canceled},
		"by a cause, and taken back": {
			func(p parts) { p.endBase(errParent); p.lent.TakeBack() }, errParent},
	} {
		for looker, look := range map[string]func(context.Context){
			"nobody":  func(context.Context) {},
			"a wait":  func(ctx context.Context) { ctx.Done() },
			"a cause": func(ctx context.Context) { _ = context.Cause(ctx) },
		} {
			t.Run(name+"/"+looker, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					timed, stop := context.WithTimeout(t.Context(), time.Hour)
					defer stop()
					base, end := context.WithCancelCause(timed)
					defer end(nil)
					other, cancel := request(base)
					defer cancel()
					lent, values := lifetime.Lend(other)
					look(lent)
					told := childOf(t, lent, looker != "nobody")
					test.end(parts{lent, cancel, end})
					synctest.Wait()
					for _, ctx := range []context.Context{lent, told, childOf(t, lent, true)} {
						wantEnd(t, ctx, test.want)
					}
					at, is := lent.Deadline()
					if otherAt, otherIs := other.Deadline(); !at.Equal(otherAt) || is != otherIs {
						t.Error("the deadline is another one")
					}
					if lent.Value(nameKey{}) != "kim" || values.Value(nameKey{}) != "kim" {
						t.Error("the values are lost")
					}
				})
			})
		}
	}
}

// childOf returns a context that is cancelled with parent, or parent itself.
func childOf(t *testing.T, parent context.Context, really bool) context.Context {
	if !really {
		return parent
	}
	child, cancel := context.WithCancelCause(parent)
	t.Cleanup(func() { cancel(nil) })
	return child
}

func wantEnd(t *testing.T, ctx context.Context, want error) {
	t.Helper()
	if got := context.Cause(ctx); got != want {
		t.Errorf("cause %v, not %v", got, want)
	}
	if (ctx.Err() != nil) != (want != nil) {
		t.Errorf("error %v", ctx.Err())
	}
	select {
	case <-ctx.Done():
		if want == nil {
			t.Error("it is done")
		}
	default:
		if want != nil {
			t.Error("it is not done")
		}
	}
}

// Who looks while a context is taken back waits for no end that does not come.
func TestLentAtOnce(t *testing.T) {
	for range 200 {
		ctx, cancel := request(context.Background())
		lent, _ := lifetime.Lend(ctx)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				<-lent.Done()
				wantEnd(t, lent, context.Canceled)
			})
		}
		all.Go(func() {
			lent.TakeBack()
			cancel()
		})
		all.Wait()
	}
}

// Nothing is lent where nothing would be free.
func TestLendsNothing(t *testing.T) {
	cancelled, cancel := request(t.Context())
	defer cancel()
	for name, ctx := range map[string]context.Context{
		"nothing to cancel": context.Background(),
		"a value on top":    context.WithValue(cancelled, nameKey{}, "lee"),
	} {
		if lent, values := lifetime.Lend(ctx); lent != nil || values != ctx {
			t.Errorf("%s: it is another one", name)
		}
	}
}

// A context that was taken back is let go of. It depends on how package context builds
// them.
func TestLentLetsGo(t *testing.T) {
	var kept atomic.Int32
	lent := lendAndTakeBack(t.Context(), &kept)
	for kept.Load() > 0 { // a test that hangs is told of by its time limit
		runtime.GC()
		runtime.Gosched()
	}
	if lent.Value(nameKey{}) != "kim" {
		t.Error("the values are lost")
	}
}

//go:noinline
func lendAndTakeBack(base context.Context, kept *atomic.Int32) *lifetime.Lent {
	ctx, cancel := request(base)
	defer cancel()
	kept.Store(1)
	runtime.SetFinalizer(ctx, func(context.Context) { kept.Add(-1) })
	lent, _ := lifetime.Lend(ctx)
	lent.TakeBack()
	return lent
}

// What is detached has the values and no end, and is the same context where that has none.
func TestDetached(t *testing.T) {
	valued := context.WithValue(context.Background(), nameKey{}, "kim")
	cancelled, cancel := context.WithCancel(valued)
	timed, stop := context.WithTimeout(valued, 0)
	defer stop()
	cancel()
	for name, ctx := range map[string]context.Context{
		"endless": valued, "cancelled": cancelled, "timed": timed,
	} {
		got := lifetime.Detached(ctx)
		wantEnd(t, got, nil)
		if _, ends := got.Deadline(); ends || got.Value(nameKey{}) != "kim" {
			t.Errorf("%s: it has a deadline, or lacks a value", name)
		}
		if same := got == ctx; same != (ctx == valued) {
			t.Errorf("%s: the same is %v", name, same)
		}
	}
}
