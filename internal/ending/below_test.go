package ending_test

import (
	"context"
	"errors"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/ending"
)

// transport is a conn that can be ended, and notes by what it was.
type transport struct {
	parley.Conn
	ended []error
	send  func() // in place of sending
}

func (t *transport) End(cause error) { t.ended = append(t.ended, cause) }

func (t *transport) Send(context.Context, parley.Event) error {
	if t.send != nil {
		t.send()
	}
	return nil
}

// above wraps a conn as middleware does.
type above struct {
	parley.Conn
	below func() parley.Conn
}

func (a above) Unwrap() parley.Conn { return a.below() }

// TestTransportEndsToo: below wrappers that say what they wrap the transport ends as well,
// once the answer has begun.
func TestTransportEndsToo(t *testing.T) {
	start := parley.HTTPResponseStart{Status: 200}
	twice := func(below parley.Conn) parley.Conn { return wrapped(wrapped(below)) }
	hidden := func(below parley.Conn) parley.Conn { return struct{ parley.Conn }{below} }
	broken := func(below parley.Conn) parley.Conn {
		return above{below, func() parley.Conn { panic("test") }}
	}
	empty := func(below parley.Conn) parley.Conn {
		return above{below, func() parley.Conn { return nil }}
	}
	for name, test := range map[string]struct {
		wrap   func(below parley.Conn) parley.Conn
		begins bool
		during bool // the end comes while it begins
		ends   int
	}{
		"has begun":     {wrap: wrapped, begins: true, ends: 1},
		"begins":        {wrap: wrapped, begins: true, during: true, ends: 1},
		"has not begun": {wrap: wrapped},
		"wrapped twice": {wrap: twice, begins: true, ends: 1},
		"hidden":        {wrap: hidden, begins: true},
		"a broken wrap": {wrap: broken, begins: true},
		"wraps nothing": {wrap: empty, begins: true},
	} {
		t.Run(name, func(t *testing.T) {
			below := new(transport)
			scope := &parley.Scope{Protocol: parley.HTTP}
			ctx, conn, ender, release := ending.Of(t.Context(), scope, test.wrap(below))
			defer release()
			end := func() { ender.End(parley.ErrAuthExpired) }
			if test.during {
				below.send = end
			}
			if test.begins {
				if err := conn.Send(ctx, start); err != nil {
					t.Fatal(err)
				}
			}
			end()
			end()
			if len(below.ended) != test.ends || test.ends > 0 && below.ended[0] != parley.ErrAuthExpired {
				t.Errorf("ended by %v", below.ended)
			}
			if !errors.Is(context.Cause(ctx), parley.ErrAuthExpired) {
				t.Errorf("cause %v", context.Cause(ctx))
			}
		})
	}
}

func wrapped(below parley.Conn) parley.Conn {
	return above{below, func() parley.Conn { return below }}
}
