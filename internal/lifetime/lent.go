package lifetime

import (
	"context"
	"reflect"
	"sync/atomic"
	"time"
)

// Lent is another context until it is taken back. Then it has ended, and holds nothing of
// the other but its values.
type Lent struct {
	values context.Context
	live   atomic.Pointer[Context] // nil when it is taken back
}

// Lend returns a context that is ctx in all that can be told, or nil where ctx is none of
// those that package context makes only to cancel: net/http's for a request are two, which
// a hijacked connection has no use for. The values of ctx are those of values, too, which
// may end less often.
func Lend(ctx context.Context) (lent *Lent, values context.Context) {
	values = below(ctx)
	if values == ctx {
		return nil, ctx
	}
	lent = &Lent{values: values}
	lent.live.Store(New(ctx))
	return lent, values
}

// TakeBack ends the context, unless ctx has ended by more than being cancelled. It is for
// whoever ends ctx next.
func (l *Lent) TakeBack() {
	live := l.live.Load()
	if live == nil || live.Err() != nil && context.Cause(live) != context.Canceled {
		return
	}
	if live.armed.Load() != nil {
		live.End(context.Canceled)
	}
	l.live.Store(nil) // who has it still, and waits only now, waits for ctx
}

// Detached returns a context that has the values of ctx, and no end. To be asked costs
// some contexts of package context a channel.
func Detached(ctx context.Context) context.Context {
	if _, timed := ctx.Deadline(); !timed && ctx.Done() == nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// below returns the context below those that package context has made only to cancel.
func below(ctx context.Context) context.Context {
	for cancelType != nil && reflect.TypeOf(ctx) == cancelType {
		ctx = reflect.ValueOf(ctx).Elem().Field(0).Interface().(context.Context)
	}
	return ctx
}

// cancelType is the type of a context that can be cancelled, and is nothing else, or nil
// where it is not built as it used to be: upon the parent, embedded as its first field.
var cancelType = func() reflect.Type {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	made := reflect.TypeOf(ctx)
	if made.Kind() != reflect.Pointer || made.Elem().Kind() != reflect.Struct {
		return nil
	}
	first := made.Elem().Field(0)
	if !first.IsExported() || first.Type != reflect.TypeFor[context.Context]() {
		return nil
	}
	return made
}()

var closed = func() chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}()

// Deadline is that of the values: to be cancelled is no deadline.
func (l *Lent) Deadline() (time.Time, bool) { return l.values.Deadline() }

// Done is closed when the context ends.
func (l *Lent) Done() <-chan struct{} {
	if live := l.live.Load(); live != nil {
		return live.Done()
	}
	return closed
}

// Err says that the context has ended, if it has.
func (l *Lent) Err() error {
	if live := l.live.Load(); live != nil {
		return live.Err()
	}
	return context.Canceled
}

// Value finds for package context, until the context is taken back, what has the cause,
// too. Afterwards that is no business of what is below.
func (l *Lent) Value(key any) any {
	if live := l.live.Load(); live != nil {
		return live.Value(key)
	}
	return context.WithoutCancel(l.values).Value(key)
}
