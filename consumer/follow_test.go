package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// crowd connects as many clients as make sockets follow their group.
func crowd(t *testing.T, address string, deflate bool) (clients []*websocket.Conn) {
	t.Helper()
	for i := range 40 {
		dialer := websocket.Dialer{EnableCompression: deflate && i%2 == 0}
		client, _, err := dialer.Dial("ws://"+address+"/room", nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		clients = append(clients, client)
	}
	return clients
}

// eachReads checks what every client reads, all at once.
func eachReads(t *testing.T, clients []*websocket.Conn, count int, want func(i int) string) {
	t.Helper()
	var all sync.WaitGroup
	for number, client := range clients {
		all.Go(func() {
			for i := range count {
				if _, data, err := client.ReadMessage(); err != nil || string(data) != want(i) {
					t.Errorf("client %d read %.40q, %v, want %.40q", number, data, err, want(i))
					return
				}
			}
		})
	}
	all.Wait()
}

// What is forwarded, what is handled, what is sent to one alone and what is too
// large for a feed: one sender's messages come in order.
func TestFollowersHearInOrder(t *testing.T) {
	for name, sockets := range map[string]parley.SocketOptions{
		"plain": {}, "compressed": {Deflate: true, DeflateThreshold: 1},
	} {
		t.Run(name, func(t *testing.T) {
			layer := newLayer(t)
			var joined sync.WaitGroup
			joined.Add(40)
			r := func() *room {
				return &room{
					open: func(context.Context, *consumer.Conn) error { joined.Done(); return nil },
					heard: func(ctx context.Context, conn *consumer.Conn, heard said) error {
						return conn.Send(ctx, parley.Text(heard.Text))
					},
				}
			}
			app := consumer.New(r, consumer.Options{
				Layer: layer, Groups: []channel.Group{"lobby", "hall"}, Logger: silent,
				Capacity: channel.Capacity{Messages: -1, Bytes: -1},
			}, consumer.On("said", (*room).Heard), consumer.Forward("line"))
			clients := crowd(t, serveTCP(t, app, sockets), sockets.Deflate)
			joined.Wait()

			const messages, batch = 400, 20
			large := strings.Repeat("l", 200<<10)
			content := func(i int) string {
				if i%97 == 50 {
					return large
				}
				return strconv.Itoa(i)
			}
			for i := range messages {
				group := channel.Group([]string{"lobby", "hall"}[i/40%2])
				typ, payload := "line", content(i)
				if i%31 == 7 {
					typ, payload = "said", fmt.Sprintf(`{"text":%q}`, payload)
				}
				if i%53 == 9 {
					sendEach(t, layer, group, channel.NewMessage(typ, []byte(payload)))
				} else if got := broadcast(t, layer, group, typ, payload); got.Enqueued != 40 {
					t.Errorf("message %d: %+v", i, got)
				}
				if (i+1)%batch == 0 { // so that they follow now and then
					eachReads(t, clients, batch, func(n int) string { return content(i + 1 - batch + n) })
				}
			}
		})
	}
}

func sendEach(t *testing.T, layer *channel.Layer, group channel.Group, message channel.Message) {
	t.Helper()
	for _, name := range layer.Members(group) {
		if err := layer.Send(t.Context(), name, message); err != nil {
			t.Error(err)
		}
	}
}

// A kick comes behind what was sent before.
func TestKickOfFollowers(t *testing.T) {
	layer := newLayer(t)
	var joined sync.WaitGroup
	joined.Add(40)
	clients := crowd(t, serveTCP(t, lobby(layer, consumer.Options{}, &joined)), false)
	joined.Wait()
	const messages = 200
	for i := range messages {
		broadcast(t, layer, "lobby", "line", strconv.Itoa(i))
	}
	if _, err := layer.KickGroup(t.Context(), "lobby", parley.ErrAuthExpired); err != nil {
		t.Error(err)
	}
	eachReads(t, clients, messages, strconv.Itoa)
	for _, client := range clients {
		var closed *websocket.CloseError
		_, _, err := client.ReadMessage()
		if !errors.As(err, &closed) || closed.Code != int(parley.CodeOf(parley.ErrAuthExpired)) {
			t.Errorf("read %v", err)
		}
	}
}

// One of those who follow stops reading. The others hear everything, and every
// message that it does not get is counted: it is closed, or misses the newest and
// gets those again that are sent when it has read.
func TestFollowerThatStops(t *testing.T) {
	for _, policy := range []channel.Policy{channel.CloseSlow, channel.DropNewest} {
		t.Run(policy.String(), func(t *testing.T) {
			layer := newLayer(t)
			var joined sync.WaitGroup
			joined.Add(40)
			app := lobby(layer, consumer.Options{Policy: policy}, &joined)
			clients := crowd(t, serveTCP(t, app, parley.SocketOptions{
				QueueMessages: 20, WriteTimeout: -1, CloseTimeout: time.Minute,
			}), false)
			joined.Wait()
			filling := strings.Repeat("x", 4<<10)
			content := func(i int) string { return strconv.Itoa(i) + filling }
			var taken []int // a kernel may find room again, and take one behind a lost one
			lost, sent := 0, 0
			for ; lost < 3 && sent-lost == len(taken); sent++ {
				result := broadcast(t, layer, "lobby", "line", content(sent))
				lost += result.Dropped
				if result.Matched == 40 && result.Dropped == 0 {
					taken = append(taken, sent)
				}
				want := content(sent)
				eachReads(t, clients[1:], 1, func(int) string { return want })
				if policy == channel.CloseSlow && lost == 1 {
					break
				}
			}
			eachReads(t, clients[:1], len(taken), func(i int) string { return content(taken[i]) })
			if policy == channel.CloseSlow {
				var closed *websocket.CloseError
				_, _, err := clients[0].ReadMessage()
				if !errors.As(err, &closed) || closed.Code != int(parley.CloseTryAgainLater) ||
					lost != 1 || app.Stats().Slow != 1 {
					t.Errorf("read %v, lost %d, %+v", err, lost, app.Stats())
				}
				return
			}
			for dropped := -1; dropped != 0; lost += dropped { // by the others, too, if they are slow
				dropped = broadcast(t, layer, "lobby", "line", "again").Dropped
			}
			eachReads(t, clients[:1], 1, func(int) string { return "again" })
			if stats := layer.Stats(); int(stats.Dropped) != lost {
				t.Errorf("%d lost, %+v", lost, stats)
			}
		})
	}
}
