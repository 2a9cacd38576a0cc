package channelsredis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/servicetest"
)

func timeout(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), patience)
}

// kind is one of the two transports with the layer of channels_redis that it speaks to.
type kind struct {
	name    string
	backend string // of Debian's channels_redis
	newer   string // with what it has learned since
	open    func(Options) (channel.Transport, error)
	config  map[string]any
}

var kinds = []kind{
	{"pubsub", "channels_redis.pubsub.RedisPubSubChannelLayer", "peer.PubSub", PubSub, nil},
	{"core", "channels_redis.core.RedisChannelLayer", "peer.Core", Core,
		map[string]any{"channel_capacity": map[string]int{"parley.*": 5000, "inbox.*": 5000}}},
}

// setting is how both sides are set up.
type setting struct {
	name    string
	hosts   int
	options Options
	peer    map[string]any // more of it
	newer   bool
}

var settings = []setting{
	{name: "one host", hosts: 1},
	{name: "two hosts and a prefix", hosts: 2, options: Options{Prefix: "shop"}},
	{name: "json", hosts: 1, options: Options{Format: JSON},
		peer: map[string]any{"json": true}, newer: true},
	{name: "encrypted", hosts: 1, options: Options{Keys: []string{"new", "old"}},
		peer: map[string]any{"keys": []string{"old", "new"}}, newer: true},
	{name: "encrypted json", hosts: 2, options: Options{Keys: []string{"k"}, Format: JSON},
		peer: map[string]any{"keys": []string{"k"}, "json": true}, newer: true},
	{name: "short random prefix", hosts: 1, options: Options{RandomPrefix: 5},
		peer: map[string]any{"random_prefix": 5}, newer: true},
}

// pair is a layer and a Channels program on the same Redis.
type pair struct {
	*peer
	kind    kind
	options Options
	servers []*servicetest.Redis
	layer   *channel.Layer
}

func newPair(t *testing.T, k kind, s setting) *pair {
	t.Helper()
	python(t)
	p := &pair{kind: k, options: s.options}
	p.options.Capacity = 5000
	p.options.Logger = slog.New(slog.DiscardHandler)
	for range s.hosts {
		server := servicetest.StartRedis(t)
		p.servers = append(p.servers, server)
		p.options.Hosts = append(p.options.Hosts, "redis://"+server.Addr)
	}
	config := map[string]any{"hosts": p.options.Hosts}
	if s.options.Prefix != "" {
		config["prefix"] = s.options.Prefix
	}
	for key, value := range k.config {
		config[key] = value
	}
	setup := map[string]any{"backend": k.backend, "config": config}
	if s.newer {
		setup["backend"] = k.newer
	}
	for key, value := range s.peer {
		setup[key] = value
	}
	p.peer = startPeer(t, setup)
	p.layer = p.newLayer(t)
	return p
}

func (p *pair) newLayer(t *testing.T) *channel.Layer {
	t.Helper()
	transport, err := p.kind.open(p.options)
	if err != nil {
		t.Fatal(err)
	}
	layer := channel.New(channel.Options{
		Transport: transport, Logger: p.options.Logger,
		Capacity: channel.Capacity{Messages: -1, Bytes: -1}})
	t.Cleanup(func() {
		if err := layer.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return layer
}

func (p *pair) member(t *testing.T, layer *channel.Layer, group channel.Group) *channel.Inbox {
	t.Helper()
	inbox, err := layer.Open(t.Context(), channel.InboxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if group != "" {
		if err := inbox.Join(t.Context(), group); err != nil {
			t.Fatal(err)
		}
	}
	return inbox
}

// everywhere runs a test with both transports in all settings.
func everywhere(t *testing.T, test func(t *testing.T, p *pair)) {
	for _, k := range kinds {
		for _, s := range settings {
			t.Run(k.name+"/"+s.name, func(t *testing.T) { test(t, newPair(t, k, s)) })
		}
	}
}

type m = map[string]any

func TestBothWays(t *testing.T) {
	everywhere(t, func(t *testing.T, p *pair) {
		other := p.newLayer(t)
		for i := range 4 { // whatever host they lie on
			r := room{pair: p, t: t, group: channel.Group(fmt.Sprintf("room%d", i))}
			r.here, r.there = p.member(t, p.layer, r.group), p.member(t, other, r.group)
			r.peer = p.do("open", m{"groups": []channel.Group{r.group}})
			r.fromDjango()
			r.fromGo()
			r.toPeer()
			r.toInboxes()
		}
		for _, layer := range []*channel.Layer{p.layer, other} {
			if bad := layer.Stats().BadEnvelopes; bad != 0 {
				t.Errorf("%d messages were not understood", bad)
			}
		}
	})
}

// room is a group with an inbox of each of two layers, and a consumer.
type room struct {
	*pair
	t           *testing.T
	group       channel.Group
	here, there *channel.Inbox
	peer        string
}

// heard wants the peer to receive a message.
func (r *room) heard(want string) {
	r.t.Helper()
	if e := r.next(); e.Name != r.peer || !same(r.t, string(e.Message), want) {
		r.t.Errorf("%s received %s", e.Name, e.Message)
	}
}

func (r *room) fromDjango() {
	const want = `{"type":"chat.line","line":"from django"}`
	r.do("group_send", m{"group": r.group, "message": json.RawMessage(want)})
	for _, inbox := range []*channel.Inbox{r.here, r.there} {
		got := receive(r.t, inbox)
		if got.Type() != "chat.line" || got.Group() != r.group ||
			!same(r.t, string(got.Payload()), want) {
			r.t.Errorf("%s: %s", got.Type(), got.Payload())
		}
	}
	r.heard(want)
}

var fromGo = channel.NewMessage("chat.line", []byte(`{"line":"from go"}`))

func (r *room) fromGo() {
	result, err := r.layer.GroupSend(r.t.Context(), r.group, fromGo)
	if err != nil || result.Enqueued != 1 {
		r.t.Fatalf("group send: %+v, %v", result, err)
	}
	for _, inbox := range []*channel.Inbox{r.here, r.there} {
		if got := receive(r.t, inbox); string(got.Payload()) != `{"line":"from go"}` {
			r.t.Errorf("%s: %s", got.Type(), got.Payload())
		}
	}
	r.heard(`{"type":"chat.line","line":"from go"}`)
}

func (r *room) toPeer() {
	if err := r.layer.Send(r.t.Context(), channel.Name(r.peer), fromGo); err != nil {
		r.t.Fatalf("send to %s: %v", r.peer, err)
	}
	r.heard(`{"type":"chat.line","line":"from go"}`)
}

func (r *room) toInboxes() {
	for _, inbox := range []*channel.Inbox{r.here, r.there} {
		r.do("send", m{"name": inbox.Name(), "message": m{"type": "private", "to": inbox.Name()}})
		got := receive(r.t, inbox)
		if want := fmt.Sprintf(`{"type":"private","to":%q}`, inbox.Name()); got.Type() != "private" ||
			got.Group() != "" || !same(r.t, string(got.Payload()), want) {
			r.t.Errorf("%s: %s", got.Type(), got.Payload())
		}
	}
	if err := r.layer.Send(r.t.Context(), r.there.Name(), fromGo); err != nil {
		r.t.Fatal(err)
	}
	if got := receive(r.t, r.there); string(got.Payload()) != `{"line":"from go"}` {
		r.t.Errorf("%s: %s", got.Type(), got.Payload())
	}
}

func TestConsumer(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			p := newPair(t, k, settings[0])
			name := p.do("consumer", m{"group": "room"})
			line := channel.NewMessage("chat.line", []byte(`{"line":"hello"}`))
			if _, err := p.layer.GroupSend(t.Context(), "room", line); err != nil {
				t.Fatal(err)
			}
			if err := p.layer.Send(t.Context(), channel.Name(name), line); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if e := p.next(); !same(t, string(e.Message), `{"handled":"hello"}`) {
					t.Errorf("the socket received %s", e.Message)
				}
			}
		})
	}
}

// Each sender's messages arrive once and in order, in both directions.
func TestThousandEachWay(t *testing.T) {
	const count = 1000
	for _, k := range kinds {
		for _, s := range settings[:2] {
			t.Run(k.name+"/"+s.name, func(t *testing.T) {
				if k.name == "core" {
					k.config = m{"capacity": 5000, "channel_capacity": k.config["channel_capacity"]}
				}
				p := newPair(t, k, s)
				inbox := p.member(t, p.layer, "room")
				p.do("open", m{"groups": []string{"room"}})
				for i := range count {
					line := channel.NewMessage("tick", fmt.Appendf(nil, `{"n":%d}`, i))
					if _, err := p.layer.GroupSend(t.Context(), "room", line); err != nil {
						t.Fatal(err)
					}
				}
				counted(t, count, func() string { return string(receive(t, inbox).Payload()) })
				counted(t, count, func() string { return string(p.next().Message) })
				p.do("group_send", m{"group": "room", "message": m{"type": "tick"}, "count": count})
				counted(t, count, func() string { return string(receive(t, inbox).Payload()) })
				counted(t, count, func() string { return string(p.next().Message) })
				p.do("send", m{"name": inbox.Name(), "message": m{"type": "tick"}, "count": count})
				counted(t, count, func() string { return string(receive(t, inbox).Payload()) })
			})
		}
	}
}

func counted(t *testing.T, count int, next func() string) {
	t.Helper()
	for i := range count {
		var got struct{ N int }
		text := next()
		if err := json.Unmarshal([]byte(text), &got); err != nil || got.N != i {
			t.Fatalf("message %d is %s", i, text)
		}
	}
}

// What is between layers does not reach Channels.
func TestKicks(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			p := newPair(t, k, settings[1])
			other := p.newLayer(t)
			one, all := p.member(t, other, ""), p.member(t, other, "room")
			name := p.do("open", m{"groups": []string{"room"}})
			if err := p.layer.Kick(t.Context(), one.Name(), parley.ErrAuthExpired); err != nil {
				t.Fatal(err)
			}
			if _, err := p.layer.KickGroup(t.Context(), "room", parley.ErrIdle); err != nil {
				t.Fatal(err)
			}
			<-one.Done()
			<-all.Done()
			if !errors.Is(one.Err(), parley.ErrAuthExpired) || !errors.Is(all.Err(), parley.ErrIdle) {
				t.Errorf("kicked by %v and %v", one.Err(), all.Err())
			}
			err := p.layer.Kick(t.Context(), channel.Name(name), nil)
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("kick of a consumer: %v", err)
			}
			p.do("group_send", m{"group": "room", "message": m{"type": "end"}})
			if e := p.next(); !same(t, string(e.Message), `{"type":"end"}`) {
				t.Errorf("the peer received %s", e.Message)
			}
		})
	}
}

// A host that was killed comes back without what it knew: all goes on.
func TestRestart(t *testing.T) {
	for _, k := range kinds {
		for host := range 2 {
			t.Run(fmt.Sprint(k.name, host), func(t *testing.T) {
				p := newPair(t, k, settings[1])
				groups := []channel.Group{"room0", "room1", "room2", "room3"}
				var inboxes []*channel.Inbox
				for _, group := range groups {
					inboxes = append(inboxes, p.member(t, p.layer, group))
				}
				p.servers[host].Kill()
				p.servers[host].Restart()
				for i, group := range groups {
					p.arrives(t, group, inboxes[i])
				}
			})
		}
	}
}

// arrives has Django send to a group until it arrives.
func (p *pair) arrives(t *testing.T, group channel.Group, inbox *channel.Inbox) {
	t.Helper()
	await(t, func() error {
		after := m{"group": group, "message": m{"type": "after"}}
		if _, problem := p.try("group_send", after); problem != "" {
			return errors.New(problem)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for {
			if message, err := inbox.Receive(ctx); err != nil || message.Type() == "after" {
				return err
			}
		}
	})
}

// await tries until it succeeds.
func await(t *testing.T, try func() error) {
	t.Helper()
	ctx, cancel := timeout(t)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
