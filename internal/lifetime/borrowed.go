package lifetime

import (
	"context"
	"reflect"
	"sync/atomic"
	"time"
)

// borrowed is another context until that has been cancelled, and holds nothing but its
// values from then on.
type borrowed struct {
	values context.Context
	live   atomic.Pointer[lender] // nil when it has been cancelled
}

type lender struct{ context.Context }

// Borrow returns a context that is ctx in all that can be told, and lets go of it when
// ctx has been cancelled: net/http's for a request is two contexts, with a channel, that
// a hijacked connection has no use for. The values of ctx are those of values, too, which
// may end less often. Where nothing can be let go of both are ctx.
func Borrow(ctx context.Context) (same, values context.Context) {
	values = below(ctx)
	if values == ctx {
		return ctx, ctx
	}
	b := &borrowed{values: values}
	b.live.Store(&lender{ctx})
	context.AfterFunc(ctx, func() {
		if ctx.Err() == context.Canceled && context.Cause(ctx) == context.Canceled {
			b.live.Store(nil)
		}
	})
	return b, values
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
func (b *borrowed) Deadline() (time.Time, bool) { return b.values.Deadline() }

func (b *borrowed) Done() <-chan struct{} {
	if live := b.live.Load(); live != nil {
		return live.Done()
	}
	return closed
}

func (b *borrowed) Err() error {
	if live := b.live.Load(); live != nil {
		return live.Err()
	}
	return context.Canceled
}

// Value finds for package context, as long as the other lives, what has the cause, too.
// Afterwards that is no business of what is below.
func (b *borrowed) Value(key any) any {
	if live := b.live.Load(); live != nil {
		return live.Value(key)
	}
	return context.WithoutCancel(b.values).Value(key)
}
