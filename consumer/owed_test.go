package consumer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/channeltest"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/parleytest"
)

var dropping = []channel.Policy{
	channel.DropNewest, channel.Block, channel.DropOldest, channel.Coalesce,
}

// busy is a consumer whose first handler holds up those behind it.
type busy struct {
	naps  chan struct{}
	goOn  chan struct{}
	known seen

	groups []string
	gaps   int
	told   int
	over   chan struct{}
}

func (b *busy) nap(context.Context, *consumer.Conn, channel.Message) error {
	close(b.naps)
	<-b.goOn
	return nil
}

func (b *busy) presence(_ context.Context, _ *consumer.Conn, m channel.Message) error {
	b.told++
	var notice struct{ Member, Show string }
	if err := json.Unmarshal(m.Payload(), &notice); err != nil {
		return err
	}
	_, there := b.known[notice.Member]
	switch {
	case there == (m.Type() == channel.TypeJoin):
		return fmt.Errorf("told of %s: %s", m.Type(), notice.Member)
	case there:
		delete(b.known, notice.Member)
	default:
		b.known[notice.Member] = notice.Show
	}
	if notice.Show == "last" {
		close(b.over)
	}
	return nil
}

func (b *busy) resync(_ context.Context, _ *consumer.Conn, m channel.Message) error {
	var notice struct{ Groups []string }
	b.told++
	err := json.Unmarshal(m.Payload(), &notice)
	b.groups = append(b.groups, notice.Groups...)
	return err
}

func (b *busy) gap(context.Context, *consumer.Conn, channel.Message) error {
	b.gaps++
	return nil
}

// A handler that is too slow for its messages misses no notice of the layer, whatever
// the policy drops, and however many there are.
func TestSlowHandlersMissNoNotice(t *testing.T) {
	for _, policy := range dropping {
		t.Run(policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { slowHandlers(t, policy) })
		})
	}
}

func slowHandlers(t *testing.T, policy channel.Policy) {
	layer := newLayer(t)
	b := &busy{naps: make(chan struct{}), goOn: make(chan struct{}), known: seen{},
		over: make(chan struct{})}
	app := consumer.New(func() *busy { return b }, consumer.Options{
		Layer: layer, Groups: []channel.Group{"lobby"}, Policy: policy, Logger: silent,
		Capacity: channel.Capacity{Messages: 5},
	}, consumer.On("nap", (*busy).nap), consumer.Forward("line"),
		consumer.On(channel.TypeJoin, (*busy).presence),
		consumer.On(channel.TypeLeave, (*busy).presence),
		consumer.On(channel.TypeResync, (*busy).resync),
		consumer.On(channel.TypeGap, (*busy).gap))
	s := dial(t, app)
	s.Accept()
	broadcast(t, layer, "lobby", "nap", "")
	<-b.naps
	there := comeAndGo(t, layer, 400)
	for i := range 400 {
		notice := fmt.Sprintf(`{"type":"channel.resync","groups":["g%d"]}`, i%10)
		broadcast(t, layer, "lobby", channel.TypeResync, notice)
		broadcast(t, layer, "lobby", channel.TypeGap, "{}")
	}
	enter(t, layer, "last")
	broadcast(t, layer, "lobby", "line", "x")
	synctest.Wait() // until all of it has come
	close(b.goOn)
	<-b.over
	s.Vanish()
	s.Wait()
	there = append(there, "last")
	slices.Sort(there)
	if b.known.names() != strings.Join(there, " ") {
		t.Errorf("it knows of %q, want %q", b.known.names(), there)
	}
	slices.Sort(b.groups)
	if groups := slices.Compact(b.groups); len(groups) != 10 {
		t.Errorf("told of %q", groups)
	}
	if b.gaps == 0 || b.gaps > 20 || b.told > 100 {
		t.Errorf("told of %d gaps, and %d times of others", b.gaps, b.told)
	}
}

// A client that is too slow for a history knows what it has not heard.
func TestSlowClientsAreToldOfGaps(t *testing.T) {
	const lines = 100
	for _, policy := range dropping {
		for transport, comes := range slowly {
			t.Run(policy.String()+" "+transport, func(t *testing.T) {
				layer := keeping(t, 1000)
				var joined sync.WaitGroup
				joined.Add(1)
				app := consumer.New(func() *room {
					return &room{open: func(ctx context.Context, conn *consumer.Conn) error {
						defer joined.Done()
						return conn.Join(ctx, "kept.room")
					}}
				}, consumer.Forward("line"), consumer.Options{
					Layer: layer, Policy: policy, Logger: silent,
					Capacity: channel.Capacity{Messages: 5},
					Key: func(m channel.Message) string {
						return string(m.Payload()[:1])
					},
				})
				client := comes(t, app)
				joined.Wait()
				for n := range lines {
					broadcast(t, layer, "kept.room", "line", fmt.Sprint(n))
				}
				heard, gaps := uint64(0), 0
				for heard < lines {
					var f framed
					if err := json.Unmarshal([]byte(client.next()), &f); err != nil {
						t.Fatal(err)
					}
					position, err := channel.ParsePosition(f.Position)
					if err != nil {
						t.Fatalf("%+v: %v", f, err)
					}
					at := position.Offset
					switch f.Type {
					case "parley.position":
					case "parley.gap":
						gaps++
						if f.Reason != string(channel.GapSlow) {
							t.Errorf("%+v", f)
						}
						heard = max(heard, at)
					case "parley.message":
						if at != heard+1 && policy != channel.Coalesce || at <= heard {
							t.Errorf("%d comes after %d", at, heard)
						}
						heard = at
					}
				}
				if gaps == 0 || gaps > 20 {
					t.Errorf("%d gaps", gaps)
				}
				client.leave()
			})
		}
	}
}

// mute is a transport that does not say at once who is there.
type mute struct {
	*channeltest.FaultyTransport
	fails atomic.Int32
}

func (m *mute) Present(ctx context.Context, subject string) ([]channel.Record, error) {
	switch n := m.fails.Add(-1); {
	case n == 1: // and hangs once
		<-ctx.Done()
		return nil, context.Cause(ctx)
	case n >= 0:
		return nil, errors.New("not now")
	}
	return m.FaultyTransport.Present(ctx, subject)
}

// How often is no matter of how often somebody wants to know.
func TestPresenceIsAskedForAgainOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		transport := &mute{
			FaultyTransport: channeltest.Faulty(broker.Connect(), 1, channeltest.Faults{})}
		layer := channel.New(channel.Options{Transport: transport, Logger: silent})
		defer layer.Close(context.Background())
		transport.fails.Store(1 << 20)
		app := consumer.New(guest("room"), consumer.Forward("line"),
			consumer.Options{Layer: layer, Logger: silent})
		s := dial(t, app)
		s.Accept()
		for range 100 {
			s.Send(parley.Text("who"))
			synctest.Wait()
		}
		before := transport.fails.Load()
		time.Sleep(time.Minute)
		if asked := before - transport.fails.Load(); asked < 5 || asked > 20 {
			t.Errorf("asked %d times in a minute", asked)
		}
		s.Vanish()
		s.Wait()
	})
}

// Who is there is asked for again where a transport cannot say it at once.
func TestPresenceIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		transport := &mute{
			FaultyTransport: channeltest.Faulty(broker.Connect(), 1, channeltest.Faults{})}
		layer := channel.New(channel.Options{Transport: transport, Logger: silent})
		defer layer.Close(context.Background())
		app := consumer.New(guest("room"), consumer.Forward("line"),
			consumer.Options{Layer: layer, Logger: silent})
		transport.fails.Store(3)
		r := request()
		r.URL.RawQuery = "name=ann"
		s := parleytest.Dial(t, app, r)
		known := seen{}
		for states := 0; states == 0; {
			text := s.Receive().Text()
			known.take(t, text)
			if strings.HasPrefix(text, `{"type":"presence.state"`) {
				states++
			}
		}
		if known.names() != "ann" {
			t.Errorf("it knows of %q", known.names())
		}
		s.Close(parley.CloseNormal, "")
		s.Wait()
	})
}
