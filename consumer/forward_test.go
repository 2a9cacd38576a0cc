package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// lobby is an app that forwards lines, and whose clients tell when they are in.
func lobby(layer *channel.Layer, options consumer.Options, joined *sync.WaitGroup) *consumer.App {
	options.Layer, options.Groups, options.Logger = layer, []channel.Group{"lobby"}, silent
	return consumer.New(func() *room {
		return &room{open: func(context.Context, *consumer.Conn) error { joined.Done(); return nil }}
	}, options, consumer.Forward("line"))
}

// F9: real sockets, each message framed once, in order.
func TestForwardOverSockets(t *testing.T) {
	layer := newLayer(t)
	var joined sync.WaitGroup
	joined.Add(3)
	address := serveTCP(t, lobby(layer, consumer.Options{}, &joined))
	var clients []*websocket.Conn
	for range 3 {
		client, _, err := websocket.DefaultDialer.Dial("ws://"+address+"/room", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		clients = append(clients, client)
	}
	joined.Wait()
	for i := range 100 {
		if got := broadcast(t, layer, "lobby", "line", strconv.Itoa(i)); got.Enqueued != 3 {
			t.Errorf("%+v", got)
		}
	}
	for _, client := range clients {
		for i := range 100 {
			if kind, data, err := client.ReadMessage(); err != nil || kind != websocket.TextMessage ||
				string(data) != strconv.Itoa(i) {
				t.Fatalf("read %d %q, %v, want %d", kind, data, err, i)
			}
		}
	}
}

// E13 and F4: one that stalls and 999 that read. Memory stays flat, the readers
// get everything, and each loss is counted.
func TestSlowReader(t *testing.T) {
	members, messages := 1000, 2000
	if raceEnabled || testing.Short() {
		members, messages = 50, 600
	}
	// Two of them fit the queue of a socket: what was read may count for a moment yet.
	const burst = 100
	layer := newLayer(t)
	var joined sync.WaitGroup
	joined.Add(members)
	app := lobby(layer, consumer.Options{}, &joined)
	dialer := serve(t, app, nethttp.Options{
		Mode:      nethttp.Hold,
		WebSocket: parley.SocketOptions{WriteTimeout: -1}, // what ends the stalled one is its queue
	})
	stalled := join(t, dialer)
	var read, burstRead sync.WaitGroup
	for range members - 1 {
		client := join(t, dialer)
		read.Go(func() { readBursts(t, client, messages, burst, &burstRead) })
	}
	joined.Wait()

	payload := strings.Repeat("x", 1<<10)
	var sum channel.SendResult
	var before uint64
	for round := range messages / burst {
		burstRead.Add(members - 1)
		for range burst {
			got := broadcast(t, layer, "lobby", "line", payload)
			sum.Matched += got.Matched
			sum.Enqueued += got.Enqueued
			sum.Dropped += got.Dropped
		}
		burstRead.Wait()
		if round == 0 {
			before = heap() // every socket has the buffers that it works with
		}
	}
	read.Wait()
	grown := int64(heap()) - int64(before)
	runtime.KeepAlive(stalled)

	if want := (members - 1) * messages; sum.Enqueued < want || sum.Enqueued > want+messages/2 ||
		sum.Dropped != 1 ||
		sum.Matched != sum.Enqueued+sum.Dropped {
		t.Errorf("%+v, want %d and what the queue of one holds", sum, want)
	}
	if got := app.Stats(); got.Slow != 1 {
		t.Errorf("%+v", got)
	}
	// Each member was sent 2 MiB. What may be left is a buffer that its writer
	// has not given back yet, and the queue of the stalled one.
	if grown > int64(members)*(64<<10)+2<<20 {
		t.Errorf("the heap has grown by %d KiB", grown>>10)
	}
}

func readBursts(t *testing.T, client *websocket.Conn, messages, burst int, done *sync.WaitGroup) {
	for i := range messages {
		if _, data, err := client.ReadMessage(); err != nil || len(data) != 1<<10 {
			t.Errorf("message %d: %d bytes, %v", i, len(data), err)
			for ; i < messages; i += burst {
				done.Done()
			}
			return
		}
		if (i+1)%burst == 0 {
			done.Done()
		}
	}
}

func heap() uint64 {
	var stats runtime.MemStats
	for range 3 { // pools are emptied by the second
		runtime.GC()
	}
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// E13: what the policies do to a client that reads nothing.
func TestPolicies(t *testing.T) {
	const messages = 1000
	for _, test := range []struct {
		policy channel.Policy
		slow   bool
		key    func(channel.Message) string
	}{
		{channel.CloseSlow, true, nil},
		{channel.DropNewest, false, nil},
		{channel.Block, false, nil},
		{channel.DropOldest, false, nil},
		{channel.Coalesce, false, nil},
		{channel.Coalesce, false, func(m channel.Message) string { return string(m.Payload()[:1]) }},
	} {
		t.Run(test.policy.String(), func(t *testing.T) {
			layer := newLayer(t)
			var joined sync.WaitGroup
			joined.Add(1)
			app := lobby(layer, consumer.Options{
				Policy: test.policy, Key: test.key, Capacity: channel.Capacity{Messages: 10},
			}, &joined)
			dialer := serve(t, app, nethttp.Options{
				WebSocket: parley.SocketOptions{QueueMessages: 20, WriteTimeout: -1},
			})
			client := join(t, dialer)
			joined.Wait()
			dropped := 0
			for i := range messages {
				dropped += broadcast(t, layer, "lobby", "line", strconv.Itoa(10000 + i)[1:]).Dropped
			}
			if test.slow {
				var closed *websocket.CloseError
				for err := error(nil); !errors.As(err, &closed); {
					if _, _, err = client.ReadMessage(); err != nil && !errors.As(err, &closed) {
						t.Fatal(err)
					}
				}
				if closed.Code != int(parley.CloseTryAgainLater) || dropped != 1 || app.Stats().Slow != 1 {
					t.Errorf("closed with %d, %d dropped, %+v", closed.Code, dropped, app.Stats())
				}
				return
			}
			// Everything not lost arrives, in order, and then a message that is
			// sent when there is room again.
			got, last := 0, ""
			stats := app.Stats()
			lost := dropped + int(stats.Evicted+stats.Coalesced)
			for ; got < messages-lost; got++ {
				_, data, err := client.ReadMessage()
				if err != nil || string(data) <= last {
					t.Fatalf("read %q after %q, %v; %d lost, %+v", data, last, err, lost, stats)
				}
				last = string(data)
			}
			if newest := last == "0999"; newest == (test.policy == channel.DropNewest ||
				test.policy == channel.Block) {
				t.Errorf("the last one was %q", last)
			}
			if lost == 0 {
				t.Errorf("nothing was lost: %+v", stats)
			}
			for broadcast(t, layer, "lobby", "line", "again").Enqueued == 0 {
				runtime.Gosched() // what was read may count for a moment yet
			}
			if _, data, err := client.ReadMessage(); err != nil || string(data) != "again" {
				t.Errorf("read %q, %v", data, err)
			}
		})
	}
}

// Text that is not UTF-8 cannot be sent, whichever way messages go; it costs nobody's
// connection, and what was sent is not counted among it.
func TestUnsendable(t *testing.T) {
	for _, policy := range []channel.Policy{0, channel.DropOldest, channel.Coalesce} {
		t.Run(fmt.Sprint(policy), func(t *testing.T) {
			layer := newLayer(t)
			var joined sync.WaitGroup
			joined.Add(1)
			app := lobby(layer, consumer.Options{
				Policy: policy, // no line takes another's place, if they meet behind Open
				Key:    func(m channel.Message) string { return string(m.Payload()) },
			}, &joined)
			client := join(t, serve(t, app))
			joined.Wait()
			broadcast(t, layer, "lobby", "line", "\xff")
			for _, want := range []string{"good", "better"} {
				broadcast(t, layer, "lobby", "line", want)
				if _, data, err := client.ReadMessage(); err != nil || string(data) != want {
					t.Errorf("read %q, %v", data, err)
				}
			}
			if got := app.Stats().Unsendable; got != 1 {
				t.Errorf("%d unsendable", got)
			}
		})
	}
}

// A message to forward waits for those to handle that came before it, and is as good
// then as at once.
func TestForwardBehindAHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer, release := newLayer(t), make(chan struct{})
		r := &room{heard: func(context.Context, *consumer.Conn, said) error { <-release; return nil }}
		app := consumer.New(r.factory, consumer.On("room.said", (*room).Heard), consumer.Forward("line"),
			consumer.Options{Layer: layer, Groups: []channel.Group{"lobby"}, Logger: silent})
		s := dial(t, app)
		s.Accept()
		synctest.Wait()
		broadcast(t, layer, "lobby", "room.said", `{"text":"x"}`)
		for _, text := range []string{"\xff", "good", "better"} {
			broadcast(t, layer, "lobby", "line", text)
		}
		if !s.Quiet() {
			t.Error("a message has overtaken another")
		}
		close(release)
		for _, want := range []string{"good", "better"} {
			if got := s.Receive().Text(); got != want {
				t.Errorf("received %q, want %q", got, want)
			}
		}
		if got := app.Stats().Unsendable; got != 1 {
			t.Errorf("%d unsendable", got)
		}
	})
}
