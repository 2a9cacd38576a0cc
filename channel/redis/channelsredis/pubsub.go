package channelsredis

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/rueidis"

	"github.com/parleygo/parley/channel"
)

// PubSub makes a transport that speaks with channels_redis.pubsub.RedisPubSubChannelLayer.
// A group send is one PUBLISH. All hosts have to answer when it is made; those that are
// lost later are looked for again.
//
// A direct send of which Redis says that nobody listens is channel.ErrNoInbox. Layers can
// have no general names here (errors.ErrUnsupported): pub/sub shares nothing out.
func PubSub(options Options) (channel.Transport, error) {
	b, err := newBase(options)
	if err != nil {
		return nil, err
	}
	t := &pubSub{base: b}
	for host, client := range b.clients {
		t.lines = append(t.lines, newLine(client, b.options.logger(), t.hear,
			func() { b.resumed(host, t.hosts) }))
	}
	return t, nil
}

type pubSub struct {
	*base
	lines []*line // one for each host
}

// groupKey is the name that a group has in Redis.
func (t *pubSub) groupKey(group string) string { return t.options.Prefix + "__group__" + group }

// hosts are those where messages for an address are published.
func (t *pubSub) hosts(a address) []int {
	switch {
	case a.group != "":
		return []int{ring(t.groupKey(a.group), len(t.clients))}
	case strings.HasSuffix(a.direct, "!"): // which one depends on the rest of the name
		all := make([]int, len(t.clients))
		for host := range all {
			all[host] = host
		}
		return all
	case a.direct != "":
		return []int{ring(a.direct, len(t.clients))}
	}
	return nil
}

func (t *pubSub) topic(a address) topic {
	switch {
	case a.group != "":
		return topic{name: t.groupKey(a.group)}
	case strings.HasSuffix(a.direct, "!"):
		return topic{pattern: true, name: a.direct + "*"}
	}
	return topic{name: a.direct}
}

// Publish implements channel.Transport.
func (t *pubSub) Publish(ctx context.Context, subject string, payload []byte) error {
	if err := t.admits(ctx); err != nil {
		return err
	}
	p, to, ok := t.parcelOf(subject, payload)
	if !ok {
		return t.whisper(ctx, to, subject, payload)
	}
	dict, err := dictOf(p)
	if err != nil {
		return err
	}
	packed, err := t.wire.encode(dict)
	if err != nil {
		return err
	}
	name := string(p.Name)
	if p.Group != "" {
		name = t.groupKey(string(p.Group))
	}
	client := t.clients[ring(name, len(t.clients))]
	command := client.B().Publish().Channel(name).Message(rueidis.BinaryString(packed)).Build()
	heard, err := client.Do(ctx, command).AsInt64()
	switch {
	case err != nil || heard > 0 || p.Name == "":
		return err
	case !layers(name):
		return fmt.Errorf("no consumer listens to %s: %w, and %w", name, channel.ErrNoInbox, errNoQueue)
	}
	return fmt.Errorf("channelsredis: nobody listens: %w", channel.ErrNoInbox)
}

// Subscribe implements channel.Transport.
func (t *pubSub) Subscribe(
	ctx context.Context, subject string, deliver func([]byte),
) (channel.Subscription, error) {
	if err := t.admits(ctx); err != nil {
		return nil, err
	}
	l := &listener{subject: subject, target: addressOf(subject), deliver: deliver}
	wanted := []func(){}
	l.end = func() {
		t.heard.remove(l)
		for _, unwant := range wanted {
			unwant()
		}
	}
	t.heard.add(l)
	want := func(host int, what topic) error {
		err := t.lines[host].want(ctx, what)
		if err == nil {
			wanted = append(wanted, func() { t.lines[host].unwant(what) })
		}
		return err
	}
	err := want(0, t.private())
	for _, host := range t.hosts(l.target) {
		if err == nil {
			err = want(host, t.topic(l.target))
		}
	}
	if err != nil {
		l.end()
		return nil, err
	}
	return l, nil
}

// QueueSubscribe implements channel.QueueSubscriber only to say that it does not, so
// that a layer may send to general names, which those of Channels here are.
func (t *pubSub) QueueSubscribe(
	context.Context, string, func([]byte),
) (channel.Subscription, error) {
	return nil, errNoQueue
}

// hear takes a message from a host.
func (t *pubSub) hear(pattern, name, message string) {
	if name == t.private().name {
		t.overhear(message)
		return
	}
	p, err := t.wire.decode([]byte(message))
	if err == nil && p.origin == t.origin.Load() && pattern == "" {
		return // the members here had it first
	}
	to, parcel := address{direct: name}, channel.Parcel{Name: channel.Name(name)}
	if group, ok := strings.CutPrefix(name, t.groupKey("")); ok && pattern == "" {
		to, parcel = address{group: group}, channel.Parcel{Group: channel.Group(group)}
	} else if pattern != "" {
		to.direct = strings.TrimSuffix(pattern, "*")
	}
	t.heard.tell(to, payloadOf(p, parcel, err))
}

// Close implements channel.Transport.
func (t *pubSub) Close(context.Context) error {
	if !t.shut() {
		return nil
	}
	for _, l := range t.lines {
		l.close()
	}
	t.hangUp()
	return nil
}
