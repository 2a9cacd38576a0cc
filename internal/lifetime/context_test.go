package lifetime_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/internal/lifetime"
)

var (
	errParent = errors.New("the parent's end")
	errOwn    = errors.New("its own end")
)

type nameKey struct{}

// Whoever looks, before the end or after it, sees what a context of package context shows.
func TestEnds(t *testing.T) {
	type parts struct {
		*lifetime.Context
		endParent context.CancelCauseFunc
	}
	looks := map[string]func(context.Context){
		"nobody":      func(context.Context) {},
		"a wait":      func(ctx context.Context) { ctx.Done() },
		"an error":    func(ctx context.Context) { _ = ctx.Err() },
		"a value":     func(ctx context.Context) { ctx.Value(nameKey{}) },
		"a cause":     func(ctx context.Context) { _ = context.Cause(ctx) },
		"one below":   func(ctx context.Context) { context.WithValue(ctx, nameKey{}, 1).Done() },
		"no deadline": func(ctx context.Context) { ctx.Deadline() },
	}
	ends := map[string]struct {
		end  func(parts)
		want error
	}{
		"none":               {func(parts) {}, nil},
		"own":                {func(p parts) { p.End(errOwn) }, errOwn},
		"own, twice":         {func(p parts) { p.End(errOwn); p.End(errParent) }, errOwn},
		"without a cause":    {func(p parts) { p.End(nil) }, context.Canceled},
		"the parent's":       {func(p parts) { p.endParent(errParent) }, errParent},
		"the parent's first": {func(p parts) { p.endParent(errParent); p.End(errOwn) }, errParent},
		"the parent's last":  {func(p parts) { p.End(errOwn); p.endParent(errParent) }, errOwn},
	}
	for looker, look := range looks {
		for name, test := range ends {
			t.Run(looker+"/"+name, func(t *testing.T) {
				parent, end := context.WithCancelCause(context.WithValue(t.Context(), nameKey{}, "kim"))
				defer end(nil)
				ctx := lifetime.New(parent)
				defer ctx.End(nil)
				look(ctx)
				test.end(parts{ctx, end})
				if got := context.Cause(ctx); got != test.want {
					t.Errorf("cause %v, not %v", got, test.want)
				}
				if ended := ctx.Err() != nil; ended != (test.want != nil) {
					t.Errorf("error %v", ctx.Err())
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
				if ctx.Value(nameKey{}) != "kim" {
					t.Error("the values are lost")
				}
			})
		}
	}
}

// Contexts below end with it, and with its cause; those that only have its values do not.
func TestBelow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := lifetime.New(t.Context())
		child := lifetime.New(ctx)
		below, cancel := context.WithCancel(child)
		defer cancel()
		free := context.WithoutCancel(child)
		told := false
		context.AfterFunc(child, func() { told = true })
		ctx.End(errOwn)
		synctest.Wait()
		for _, ended := range []context.Context{child, below} {
			if context.Cause(ended) != errOwn {
				t.Errorf("cause %v", context.Cause(ended))
			}
		}
		if !told || free.Err() != nil || context.Cause(free) != nil {
			t.Errorf("told %v, %v", told, free.Err())
		}
	})
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ctx := lifetime.New(parent)
		if at, ok := ctx.Deadline(); !ok || time.Until(at) != time.Second {
			t.Errorf("deadline %v", at)
		}
		time.Sleep(2 * time.Second)
		ctx.End(errOwn)
		if ctx.Err() != context.DeadlineExceeded || context.Cause(ctx) != context.DeadlineExceeded {
			t.Errorf("%v", ctx.Err())
		}
	})
}

// Everybody sees one end, whoever waits and ends it meanwhile.
func TestAtOnce(t *testing.T) {
	for range 200 {
		ctx := lifetime.New(t.Context())
		var all sync.WaitGroup
		seen := make([]error, 8)
		for i := range seen {
			all.Go(func() {
				if i%2 == 0 {
					ctx.End(errOwn)
				} else if i == 1 {
					ctx.End(errParent)
				}
				<-ctx.Done()
				seen[i] = context.Cause(ctx)
			})
		}
		all.Wait()
		for _, cause := range seen {
			if cause != seen[0] || cause == nil {
				t.Fatalf("causes %v", seen)
			}
		}
	}
}

func TestAllocs(t *testing.T) {
	parent := t.Context()
	n := testing.AllocsPerRun(100, func() {
		ctx := lifetime.New(parent)
		_, _, _ = ctx.Err(), context.Cause(ctx), ctx.Value(nameKey{})
	})
	if n > 1 {
		t.Errorf("%v allocations of one that nobody waits for", n)
	}
}

// endsWhenAsked is a context that ends right after it has said that it has not.
type endsWhenAsked struct {
	context.Context
	end func()
}

func (e endsWhenAsked) Err() error {
	err := e.Context.Err()
	e.end()
	return err
}

// The cause that somebody was told stays, however close two ends come to each other.
func TestEndsAtOnce(t *testing.T) {
	parent, end := context.WithCancelCause(t.Context())
	told := errOwn
	var ctx *lifetime.Context
	ctx = lifetime.New(endsWhenAsked{parent, func() {
		if parent.Err() == nil {
			end(errParent)
			told = context.Cause(ctx)
		}
	}})
	ctx.End(errOwn)
	if got := context.Cause(ctx); got != told {
		t.Errorf("cause %v, and before %v", got, told)
	}
}
