package consumer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/parleytest"
)

// keeping is a layer that keeps the groups whose names begin with "kept.".
func keeping(t *testing.T, messages int) *channel.Layer {
	layer := channel.New(channel.Options{History: []channel.HistoryRule{
		{Pattern: "kept.*", Keep: channel.Keep{Messages: messages}},
	}})
	t.Cleanup(func() {
		if err := layer.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return layer
}

// framed is what clients are told of a group.
type framed struct {
	Type     string
	Group    string
	Position string
	Reason   string
	Data     json.RawMessage
}

func heard(t *testing.T, l listener) framed {
	t.Helper()
	var f framed
	text := l.next()
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return f
}

// hearsLines checks that messages come, numbered from first on, and returns the
// position of the last.
func hearsLines(t *testing.T, l listener, first, count int) (position string) {
	t.Helper()
	for n := range count {
		f := heard(t, l)
		if want := fmt.Sprint(first + n); f.Type != "parley.message" || string(f.Data) != want {
			t.Fatalf("heard %+v, want line %s", f, want)
		}
		position = f.Position
	}
	return position
}

func sendLines(t *testing.T, layer *channel.Layer, first, count int) {
	t.Helper()
	for n := range count {
		broadcast(t, layer, "kept.room", "line", fmt.Sprint(first+n))
	}
}

func named(group, position string) string {
	text, _ := json.Marshal(map[string]string{group: position})
	return string(text)
}

// A client that comes back hears what it has missed, and all that follows, once and in
// order, by whichever transport it comes.
func TestResume(t *testing.T) {
	for name, comes := range transports {
		t.Run(name, func(t *testing.T) {
			layer := keeping(t, 1000)
			app := consumer.New(func() *int { return new(int) }, consumer.Forward("line"),
				consumer.Options{Layer: layer, Groups: []channel.Group{"kept.room", "other"}})
			l := comes(t, app, "")
			first := heard(t, l)
			if first.Type != "parley.position" || first.Group != "kept.room" || first.Position == "" {
				t.Errorf("heard %+v", first)
			}
			sendLines(t, layer, 1, 3)
			position := hearsLines(t, l, 1, 3)
			l.leave()
			const missed = 700 // more than wait for a client that is slow
			sendLines(t, layer, 4, missed)

			for _, from := range []struct {
				position string
				next     int
			}{{position, 4}, {first.Position, 1}, {"", 1}, {":0", 1}} {
				l = comes(t, app, named("kept.room", from.position))
				hearsLines(t, l, from.next, 4-from.next+missed)
				broadcast(t, layer, "other", "line", "plain")
				if got := l.next(); got != "plain" {
					t.Errorf("heard %s of a group that is not kept", got)
				}
				l.leave()
			}
			sendLines(t, layer, missed+4, 1)
			l = comes(t, app, named("kept.room", position))
			hearsLines(t, l, 4, missed+1)
			sendLines(t, layer, missed+5, 2)
			hearsLines(t, l, missed+5, 2)
			l.leave()
			if got := app.Stats(); got.Resumed != 5 || got.Discarded+got.Evicted+got.Slow != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// What cannot be had any more is told, and what can comes behind it. The position of a
// gap is in front of that.
func TestResumeGap(t *testing.T) {
	for name, comes := range transports {
		for _, test := range []struct {
			name, positions, reason string
		}{
			{"trimmed", "", "trimmed"}, // from the position that it has heard
			{"other epoch", named("kept.room", "other:1"), "epoch"},
			{"no position", named("kept.room", "what?"), "epoch"},
			{"no JSON", "{", "epoch"},
			{"no object", "[]", "epoch"},
			{"too long", named("kept.room", strings.Repeat("x", 70_000)), "epoch"},
			{"not kept", named("other", "x:1"), "not kept"},
			{"ahead", "+1000", "epoch"}, // of the log: it has forgotten, or never was so far
			{"as far ahead as can be", "+18446744073709551615", "epoch"},
		} {
			t.Run(name+"/"+test.name, func(t *testing.T) {
				layer := keeping(t, 2)
				group := channel.Group("kept.room")
				if test.reason == "not kept" {
					group = "other"
				}
				app := consumer.New(func() *int { return new(int) }, consumer.Forward("line"),
					consumer.Options{Layer: layer, Groups: []channel.Group{group}})
				positions := test.positions
				if offset, ahead := strings.CutPrefix(positions, "+"); ahead || positions == "" {
					l := comes(t, app, "")
					position := heard(t, l).Position
					if epoch, _, _ := strings.Cut(position, ":"); ahead {
						position = epoch + ":" + offset
					}
					positions = named("kept.room", position)
					l.leave()
				}
				sendLines(t, layer, 1, 5)
				l := comes(t, app, positions)
				gap := heard(t, l)
				if gap.Type != "parley.gap" || gap.Reason != test.reason || gap.Group != string(group) {
					t.Errorf("heard %+v", gap)
				}
				if strings.HasPrefix(test.positions, "+") { // whatever that heard may have been other lines
					sendLines(t, layer, 6, 1)
					hearsLines(t, l, 6, 1)
				} else if test.reason != "not kept" {
					hearsLines(t, l, 4, 2)
					l.leave()
					l = comes(t, app, named("kept.room", gap.Position))
					hearsLines(t, l, 4, 2)
				}
				l.leave()
			})
		}
	}
}

// A client goes on where it says once, when the consumer joins the group, whenever
// that is. That it names a group lets it in nowhere.
func TestResumeWhenJoined(t *testing.T) {
	layer := keeping(t, 1000)
	sendLines(t, layer, 1, 3)
	broadcast(t, layer, "kept.secret", "line", "secret")
	r := &room{receive: func(ctx context.Context, conn *consumer.Conn,
		message parley.WebSocketReceive) error {
		if message.Text() == "leave" {
			conn.Leave("kept.room")
			return nil
		}
		return conn.Join(ctx, "kept.room")
	}}
	app := consumer.New(r.factory, consumer.Forward("line"), consumer.Options{Layer: layer})
	s := parleytest.Dial(t, app, resuming(`{"kept.room":"","kept.secret":"","a b":""}`))
	s.Accept()
	if !s.Quiet() {
		t.Error("heard something before it was in a group")
	}
	l := &bySocket{s}
	s.Send(parley.Text("join"))
	hearsLines(t, l, 1, 3)
	s.Send(parley.Text("join")) // it is in already
	s.Send(parley.Text("leave"))
	s.Send(parley.Text("join"))
	if got := heard(t, l); got.Type != "parley.position" {
		t.Errorf("heard %+v", got)
	}
	sendLines(t, layer, 4, 1)
	hearsLines(t, l, 4, 1)
	l.leave()
}

// What was missed waits until Open has returned, as all messages of the layer do, and
// what has a handler goes there, in its turn.
func TestResumeHandled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := keeping(t, 1000)
		broadcast(t, layer, "kept.room", "line", "1")
		broadcast(t, layer, "kept.room", "said", `{"text":"2"}`)
		broadcast(t, layer, "kept.room", "strange", "")
		broadcast(t, layer, "kept.room", "line", "3")
		r := &room{
			open: func(ctx context.Context, conn *consumer.Conn) error {
				return conn.SendText(ctx, "hello")
			},
			heard: func(ctx context.Context, conn *consumer.Conn, s said) error {
				return conn.SendText(ctx, "handled "+s.Text)
			},
		}
		app := consumer.New(r.factory, consumer.Forward("line"), consumer.On("said", (*room).Heard),
			consumer.Options{Layer: layer, Groups: []channel.Group{"kept.room"}, Logger: silent})
		l := &bySocket{parleytest.Dial(t, app, resuming(named("kept.room", "")))}
		if got := l.next(); got != "hello" {
			t.Errorf("heard %s", got)
		}
		hearsLines(t, l, 1, 1)
		if got := l.next(); got != "handled 2" {
			t.Errorf("heard %s", got)
		}
		hearsLines(t, l, 3, 1)
		l.leave()
		if got := app.Stats(); got.Unknown != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// Who forwards nothing tells clients nothing of the layer.
func TestNoticesOfSilentConsumers(t *testing.T) {
	layer := keeping(t, 1000)
	r := &room{heard: func(context.Context, *consumer.Conn, said) error { return nil }}
	app := consumer.New(r.factory, consumer.On("said", (*room).Heard),
		consumer.Options{Layer: layer, Groups: []channel.Group{"kept.room"}})
	for _, positions := range []string{"", named("kept.room", "other:1")} {
		s := parleytest.Dial(t, app, resuming(positions))
		s.Accept()
		if !s.Quiet() {
			t.Error("heard something")
		}
		s.Vanish()
		s.Wait()
	}
	if got := app.Stats(); got.Unknown != 0 {
		t.Errorf("%+v", got)
	}
}

// While a client is brought what it has missed, live messages have all the room that
// they have without, whatever the policy.
func TestRoomBesideMissed(t *testing.T) {
	for _, policy := range []channel.Policy{channel.CloseSlow, channel.DropNewest, channel.DropOldest,
		channel.Coalesce} {
		synctest.Test(t, func(t *testing.T) {
			layer := keeping(t, 1000)
			sendLines(t, layer, 1, 100)
			release := make(chan struct{})
			r := &room{open: func(context.Context, *consumer.Conn) error { <-release; return nil }}
			app := consumer.New(r.factory, consumer.Forward("line"), consumer.Options{
				Layer: layer, Groups: []channel.Group{"kept.room"}, Policy: policy,
				Capacity: channel.Capacity{Messages: 10},
				Key:      func(m channel.Message) string { return string(m.Payload()) },
			})
			l := &bySocket{parleytest.Dial(t, app, resuming(named("kept.room", "")))}
			l.Accept()
			synctest.Wait()
			sendLines(t, layer, 101, 10)
			synctest.Wait()
			close(release)
			hearsLines(t, l, 1, 110)
			l.leave()
			if got := app.Stats(); got.Discarded+got.Evicted+got.Coalesced+got.Slow != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// FuzzResume: whatever a client names, it is let in, and hears of each group that it is
// let into.
func FuzzResume(f *testing.F) {
	for _, seed := range []string{`{"kept.room":"x:1"}`, `{"kept.room":""}`, `{`, `[]`, `{"a b":1}`,
		`{"kept.room":"a:18446744073709551615"}`, `null`, `{"kept.room":"-:0","kept.room":"x"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, positions string) {
		layer := keeping(t, 3)
		app := consumer.New(func() *int { return new(int) }, consumer.Forward("line"),
			consumer.Options{Layer: layer, Groups: []channel.Group{"kept.room"}})
		sendLines(t, layer, 1, 5)
		l := &bySocket{parleytest.Dial(t, app, resuming(positions))}
		l.Accept()
		sendLines(t, layer, 6, 1)
		for {
			if f := heard(t, l); string(f.Data) == "6" {
				break
			}
		}
		l.leave()
	})
}
