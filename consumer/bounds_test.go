package consumer_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// E12: what waits for handlers is bounded by its bytes, however many handlers
// there may be at once.
func TestConcurrentBytes(t *testing.T) {
	for _, test := range []struct{ size, most int }{
		{400 << 10, 2}, {2 << 20, 1}, {1 << 10, 8 * 16}, {0, 8 * 16},
	} {
		synctest.Test(t, func(t *testing.T) {
			const all = 1000
			release := make(chan struct{})
			var mu sync.Mutex
			handled := 0
			r := &room{receive: func(context.Context, *consumer.Conn, parley.WebSocketReceive) error {
				<-release
				mu.Lock()
				defer mu.Unlock()
				handled++
				return nil
			}}
			conn := &chatterer{n: all, message: parley.WebSocketReceive{Data: make([]byte, test.size)}}
			app := consumer.New(r.factory, consumer.Options{Concurrency: 8})
			done := make(chan error)
			go func() { done <- app.Serve(t.Context(), &parley.Scope{Protocol: parley.WebSocket}, conn) }()
			synctest.Wait()
			// In each queue one is handled and does not wait, and one has been read
			// that there is no room for.
			if read := all - conn.n; read > test.most+8+1 || read < test.most {
				t.Errorf("%d messages of %d bytes were read, want %d", read, test.size, test.most)
			}
			close(release)
			<-done
			if got := app.Stats().Received; got != uint64(handled) || handled < test.most {
				t.Errorf("%d received, %d handled", got, handled)
			}
		})
	}
}

// E13: a newer message that is larger than the one it replaces makes room for
// itself.
func TestCoalescedBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer, release := newLayer(t), make(chan struct{})
		var heard []string
		hears := func(_ *room, _ context.Context, _ *consumer.Conn, m channel.Message) error {
			<-release
			heard = append(heard, string(m.Payload()[:1]))
			return nil
		}
		app := consumer.New((&room{}).factory, consumer.On("line", hears), consumer.Options{
			Layer: layer, Groups: []channel.Group{"lobby"}, Policy: channel.Coalesce,
			Key:      func(m channel.Message) string { return string(m.Payload()[:1]) },
			Capacity: channel.Capacity{Bytes: 100},
		})
		s := dial(t, app)
		s.Accept()
		synctest.Wait()
		for _, line := range []struct {
			key  string
			size int
		}{{"0", 1}, {"a", 30}, {"b", 30}, {"c", 30}, {"a", 60}} {
			broadcast(t, layer, "lobby", "line", strings.Repeat(line.key, line.size))
			synctest.Wait()
		}
		close(release)
		synctest.Wait()
		if got := app.Stats(); got.Evicted != 1 || got.Coalesced != 1 {
			t.Errorf("%+v", got)
		}
		if want := []string{"0", "c", "a"}; !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
	})
}

// E12: 16 messages wait in a queue, beside the one that is handled and the one that
// there is no room for.
func TestQueueLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := &room{receive: func(context.Context, *consumer.Conn, parley.WebSocketReceive) error {
			<-release
			return nil
		}}
		conn := &chatterer{n: 100, message: parley.WebSocketReceive{}}
		app := consumer.New(r.factory, consumer.Options{
			Concurrency: 2, OrderBy: func(parley.WebSocketReceive) string { return "same" },
		})
		done := make(chan error)
		go func() { done <- app.Serve(t.Context(), &parley.Scope{Protocol: parley.WebSocket}, conn) }()
		synctest.Wait()
		if read := 100 - conn.n; read != 1+16+1 {
			t.Errorf("%d messages were read", read)
		}
		close(release)
		<-done
	})
}
