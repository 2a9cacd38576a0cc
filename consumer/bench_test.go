package consumer_test

import (
	"context"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// stillConn is a conn in memory whose client says nothing, and which takes all it
// is offered: what remains is the consumer's own cost.
type stillConn struct {
	connected bool
	over      chan struct{}
}

func (c *stillConn) Receive(context.Context) (parley.Event, error) {
	if !c.connected {
		c.connected = true
		return parley.WebSocketConnect{}, nil
	}
	<-c.over
	return parley.WebSocketDisconnect{Cause: parley.ErrDisconnected}, nil
}

func (c *stillConn) Send(context.Context, parley.Event) error { return nil }
func (c *stillConn) Offer(parley.WebSocketSend) error         { return nil }

// idle runs n clients of app and returns what ends them.
func idle(app parley.App, n int, joined *sync.WaitGroup) (end func()) {
	joined.Add(n)
	over := make(chan struct{})
	var running sync.WaitGroup
	for range n {
		running.Go(func() {
			ctx, cancel := context.WithCancel(context.Background()) // as an adapter does
			defer cancel()
			_ = app.Serve(ctx, &parley.Scope{Protocol: parley.WebSocket}, &stillConn{over: over})
		})
	}
	joined.Wait()
	return func() { close(over); running.Wait() }
}

func memory() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc + stats.StackInuse
}

// BenchmarkIdle measures the bytes of an idle consumer in one group above those
// of an app that only receives.
func BenchmarkIdle(b *testing.B) {
	const n = 10_000
	measure := func(app parley.App, joined *sync.WaitGroup) float64 {
		before := memory()
		end := idle(app, n, joined)
		used := memory()
		end()
		return float64(int64(used)-int64(before)) / n
	}
	for b.Loop() {
		var joined sync.WaitGroup
		bare := measure(parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
			joined.Done()
			_, err := ws.Read(ctx)
			return err
		}), &joined)
		layer := channel.New(channel.Options{})
		full := measure(lobby(layer, consumer.Options{}, &joined), &joined)
		b.ReportMetric(full-bare, "B/consumer")
		b.ReportMetric(bare, "B/bare")
	}
}

// BenchmarkFanOut measures what a consumer adds to each delivery of a broadcast.
func BenchmarkFanOut(b *testing.B) {
	const n = 1000
	var joined sync.WaitGroup
	layer := channel.New(channel.Options{})
	end := idle(lobby(layer, consumer.Options{}, &joined), n, &joined)
	defer end()
	message := channel.NewMessage("line", []byte(strings.Repeat("x", 128)))
	b.ReportAllocs()
	for b.Loop() {
		if got, err := layer.GroupSend(context.Background(), "lobby", message); got.Enqueued != n ||
			err != nil {
			b.Fatal(got, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/delivery")
}

// BenchmarkHandled measures a broadcast whose members handle the message.
func BenchmarkHandled(b *testing.B) {
	const n = 100
	var joined, handled sync.WaitGroup
	layer := channel.New(channel.Options{})
	app := consumer.New(func() *room {
		return &room{
			open:  func(context.Context, *consumer.Conn) error { joined.Done(); return nil },
			heard: func(context.Context, *consumer.Conn, said) error { handled.Done(); return nil },
		}
	}, consumer.Options{Layer: layer, Groups: []channel.Group{"lobby"}}, consumer.On("said",
		(*room).Heard))
	end := idle(app, n, &joined)
	defer end()
	message := channel.NewMessage("said", []byte(`{"text":"x"}`))
	b.ReportAllocs()
	for b.Loop() {
		handled.Add(n)
		if got, err := layer.GroupSend(context.Background(), "lobby", message); got.Enqueued != n ||
			err != nil {
			b.Fatal(got, err)
		}
		handled.Wait()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/delivery")
}

// BenchmarkIdleSocket is BenchmarkIdle over real connections, by heap and stack.
func BenchmarkIdleSocket(b *testing.B) {
	const n = 1000
	for b.Loop() {
		var joined sync.WaitGroup
		bare := idler(&joined)
		costOf(b, n, bare, &joined) // fills pools
		heap, stack := costOf(b, n, bare, &joined)
		full := lobby(channel.New(channel.Options{}), consumer.Options{}, &joined)
		moreHeap, moreStack := costOf(b, n, full, &joined)
		b.ReportMetric(heap, "B-heap/bare")
		b.ReportMetric(stack, "B-stack/bare")
		b.ReportMetric(moreHeap-heap, "B-heap/consumer")
		b.ReportMetric(moreStack-stack, "B-stack/consumer")
	}
}

// idler is an app that only receives.
func idler(joined *sync.WaitGroup) parley.App {
	return parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		joined.Done()
		_, err := ws.Read(ctx)
		return err
	})
}

// echoer has messages on its stack while it waits, as most apps have.
func echoer(
	joined *sync.WaitGroup,
	read func(*parley.Socket, context.Context) (parley.WebSocketReceive, error),
) parley.App {
	return parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		joined.Done()
		for {
			message, err := read(ws, ctx)
			if err != nil {
				return err
			}
			answer := parley.WebSocketSend{Type: message.Type, Data: message.Data}
			if err := ws.Write(ctx, answer); err != nil {
				return err
			}
		}
	})
}

// costOf returns the bytes of each of n idle sockets of app.
func costOf(
	t testing.TB, n int, app parley.App, joined *sync.WaitGroup,
) (heap, stack float64) {
	joined.Add(n)
	address := serveTCP(t, app)
	var clients []net.Conn
	heap0, stack0 := heapAndStack()
	for range n {
		clients = append(clients, shakeHands(t, address))
	}
	joined.Wait()
	heap1, stack1 := heapAndStack()
	for _, client := range clients {
		client.Close()
	}
	return (heap1 - heap0) / float64(n), (stack1 - stack0) / float64(n)
}

func heapAndStack() (heap, stack float64) {
	var stats runtime.MemStats
	for range 4 { // a collection halves a stack that has become too large
		runtime.GC()
	}
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc), float64(stats.StackInuse)
}

// shakeHands opens a socket that costs its client next to nothing.
func shakeHands(t testing.TB, address string) net.Conn {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	const request = "GET /room HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	answer := make([]byte, 512)
	if _, err := conn.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(answer); err != nil || !strings.Contains(string(answer), " 101 ") {
		t.Fatalf("%q, %v", answer, err)
	}
	return conn
}
