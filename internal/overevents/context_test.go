package overevents

import (
	"context"
	"errors"
	"testing"

	"github.com/parleygo/parley"
)

// TestHandlerContext: whatever ends a handler's context, all there is to ask tells the
// same, whether anybody has waited for the end or not.
func TestHandlerContext(t *testing.T) {
	lost := errors.New("lost")
	for _, c := range []struct {
		name      string
		handshake bool
		end       func(c *handlerContext, lose func(error))
		err       error
		cause     error
	}{
		{"at work", false, func(*handlerContext, func(error)) {}, nil, nil},
		{"lost", false, func(_ *handlerContext, lose func(error)) { lose(lost) }, context.Canceled, lost},
		{"returned",
			false, func(c *handlerContext, _ func(error)) { c.end() }, context.Canceled, parley.ErrFinished},
		{"returned, then lost", false, func(c *handlerContext, lose func(error)) { c.end(); lose(lost) },
			context.Canceled, parley.ErrFinished},
		{"a handshake at work", true, func(*handlerContext, func(error)) {}, nil, nil},
		{"a handshake lost",
			true, func(_ *handlerContext, lose func(error)) { lose(lost) }, context.Canceled, lost},
		{"a handshake returned",
			true, func(c *handlerContext, _ func(error)) { c.end() }, context.Canceled, parley.ErrFinished},
		{"hijacked", true, func(c *handlerContext, _ func(error)) { c.detach() }, nil, nil},
		{"hijacked, then lost",
			true, func(c *handlerContext, lose func(error)) { c.detach(); lose(lost) }, nil, nil},
		{"hijacked, then returned", true, func(c *handlerContext, _ func(error)) { c.detach(); c.end() },
			context.Canceled, parley.ErrFinished},
	} {
		for name, watched := range map[string]bool{"": false, ", watched": true} {
			t.Run(c.name+name, func(t *testing.T) {
				conversation, lose := context.WithCancelCause(context.Background())
				defer lose(nil)
				ctx := &handlerContext{Context: conversation, handshake: c.handshake}
				if watched {
					ctx.Done()
				}
				c.end(ctx, lose)
				if c.err != nil {
					<-ctx.Done()
				}
				child, cancel := context.WithCancel(ctx)
				defer cancel()
				for _, ctx := range []context.Context{ctx, child} {
					if ctx.Err() != c.err || context.Cause(ctx) != c.cause {
						t.Errorf("%v, %v, want %v, %v", ctx.Err(), context.Cause(ctx), c.err, c.cause)
					}
				}
			})
		}
	}
}

// TestHandlerContextUnwatched asks for the end and never waits.
func TestHandlerContextUnwatched(t *testing.T) {
	ctx := &handlerContext{Context: context.Background()}
	ctx.end()
	if context.Cause(ctx) != parley.ErrFinished || ctx.Err() != context.Canceled {
		t.Errorf("%v, %v", ctx.Err(), context.Cause(ctx))
	}
}
