package ending_test

import (
	"context"
	"errors"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/ending"
)

// heedful is a conn that receives nothing, for as long as its caller's context lasts.
type heedful struct{ parley.Conn }

func (heedful) Send(context.Context, parley.Event) error { return nil }

func (heedful) Receive(ctx context.Context) (parley.Event, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// TestReceiveUnderWay: an app that is receiving is told the end as a disconnect, and the
// end of a context of its own as that.
func TestReceiveUnderWay(t *testing.T) {
	own := errors.New("the app's own")
	for _, protocol := range []parley.Protocol{parley.HTTP, parley.WebSocket} {
		for name, ends := range map[string]bool{"ended": true, "given up": false} {
			t.Run(string(protocol)+" "+name, func(t *testing.T) {
				scope := &parley.Scope{Protocol: protocol, Request: request()}
				ctx, conn, ender, release := ending.Of(t.Context(), scope, heedful{})
				defer release()
				ctx, cancel := context.WithCancelCause(ctx)
				defer cancel(nil)
				if ends {
					go ender.End(parley.ErrAuthExpired)
				} else {
					go cancel(own)
				}
				switch event, err := conn.Receive(ctx); event := event.(type) {
				case parley.HTTPDisconnect:
					if !ends || event.Cause != parley.ErrAuthExpired {
						t.Errorf("got %v, %v", event, err)
					}
				case parley.WebSocketDisconnect:
					if !ends || event.Cause != parley.ErrAuthExpired {
						t.Errorf("got %v, %v", event, err)
					}
				default:
					if ends || err != own {
						t.Errorf("got %v, %v", event, err)
					}
				}
			})
		}
	}
}
