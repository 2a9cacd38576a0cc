package consumer_test

import (
	"context"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// A client that says nothing costs the smallest stack that Go has, whatever it took to
// let it in.
func TestAllocIdleStacks(t *testing.T) {
	if raceEnabled {
		t.Skip("stacks are larger under the race detector")
	}
	layer := channel.New(channel.Options{})
	for name, app := range map[string]parley.App{
		"WebSocketFunc": parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
			if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
				return err
			}
			_, err := ws.Read(ctx)
			return err
		}),
		"consumer in a group": consumer.New(func() *newcomer { return new(newcomer) },
			consumer.Options{Layer: layer, Groups: []channel.Group{"all"}}, consumer.Forward("news")),
	} {
		t.Run(name, func(t *testing.T) {
			gateway := nethttp.Handler(app)
			defer func() { // else their ends count as what others allocate
				for gateway.Stats().Live > 0 {
					time.Sleep(time.Millisecond)
				}
			}()
			server := httptest.NewServer(gateway)
			defer server.Close()
			const sockets, most = 400, 3 << 10
			before := stacks()
			for range sockets {
				conn := shakeHands(t, server.Listener.Addr().String())
				defer conn.Close()
			}
			deadline := time.Now().Add(time.Minute)
			each := (stacks() - before) / sockets
			for ; each > most && time.Now().Before(deadline); each = (stacks() - before) / sockets {
				runtime.Gosched() // net/http's goroutines are on their way out
			}
			if each > most {
				t.Errorf("%d bytes of stack for each socket", each)
			}
		})
	}
}

// newcomer goes deep before its client is let in, and does nothing then.
type newcomer struct{}

func (*newcomer) Connect(context.Context, *consumer.Conn) (consumer.Answer, error) {
	return consumer.Accept(parley.WebSocketAccept{}), deep(20)
}

//go:noinline
func deep(levels int) error {
	var frame [1 << 10]byte
	if levels == 0 {
		return nil
	}
	frame[levels] = 1
	err := deep(levels - 1)
	runtime.KeepAlive(&frame)
	return err
}

func stacks() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.StackInuse)
}
