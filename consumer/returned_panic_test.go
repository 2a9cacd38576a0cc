package consumer_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
)

// What a hook returns is returned, though it says that something else has panicked.
func TestReturnedPanicIsReturned(t *testing.T) {
	for _, function := range []string{"Connect", "Open", "Receive"} {
		t.Run(function, func(t *testing.T) {
			caught := parley.NewPanicError("ouch")
			app := newFragile(&fragile{in: func(in string) error {
				if in == function {
					return caught
				}
				return nil
			}})
			var returned error
			outer := parley.AppFunc(func(ctx context.Context, s *parley.Scope, conn parley.Conn) error {
				defer func() {
					if recovered := recover(); recovered != nil {
						t.Errorf("Serve panicked with %v", recovered)
					}
				}()
				returned = app.Serve(ctx, s, conn)
				return parley.ErrDisconnected
			})
			s := parleytest.Dial(t, outer, httptest.NewRequest("GET", "/", nil))
			if function == "Receive" {
				s.Send(parley.Text("hello"))
			}
			if _ = s.Wait(); !errors.Is(returned, caught) {
				t.Errorf("Serve returned %v", returned)
			}
		})
	}
}
