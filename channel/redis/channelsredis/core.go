package channelsredis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley/channel"
)

// Core makes a transport that speaks with channels_redis.core.RedisChannelLayer. All hosts
// have to answer when it is made; those that are lost later are looked for again.
//
// Messages wait in Redis, up to a capacity that the sender's side knows: what a consumer
// or a worker of Channels has no room for is channel.ErrFull for a direct send, and told
// to OnFull for a group send. A layer's own part of each group counts as one channel,
// whose name begins with "parley.": give it room in Django with
//
//	"channel_capacity": {"parley.*": 10000}
//
// General names are shared out among all who receive from them, workers of Channels
// among them. The longest name of a group or an inbox has 99 bytes here.
func Core(options Options) (channel.Transport, error) {
	b, err := newBase(options)
	if err != nil {
		return nil, err
	}
	b.wire.noise, b.wire.life = b.options.RandomPrefix, b.options.Expiry+10*time.Second
	t := &core{base: b, self: "parley." + rand.Text()[:16] + "!"}
	t.line = newLine(b.clients[0], b.options.logger(),
		func(_, _, message string) { b.overhear(message) }, func() { t.resumed(0, t.hosts) })
	t.roll = newRoll(t)
	t.life, t.end = context.WithCancel(context.Background())
	for host := range b.clients {
		t.read(host, t.self, t.takeOwn, func() { t.returned(host) })
	}
	return t, nil
}

type core struct {
	*base
	self string // the process as groups know it: what stands before the group's own name
	line *line  // for what is between layers
	roll *roll

	life    context.Context // of what reads; mu is held where it ends
	end     context.CancelFunc
	running sync.WaitGroup // what reads, and waits for groups to be entered again

	mu      sync.Mutex
	readers map[string]*shared // of inboxes, by what their names begin with
	turn    atomic.Uint32      // of hosts that get messages for general names
}

// shared is what reads for all who listen to one direct address.
type shared struct {
	count int
	stops []context.CancelFunc
}

func (t *core) hosts(a address) []int {
	if a.group != "" {
		return []int{ring(a.group, len(t.clients))}
	}
	all := make([]int, len(t.clients))
	for host := range all {
		all[host] = host
	}
	return all
}

// returned has a host know again what it may have forgotten.
func (t *core) returned(host int) {
	t.running.Go(func() { // reading goes on, while another host may be away
		select {
		case <-t.roll.renew(host):
			t.resumed(host, t.hosts)
		case <-t.roll.done:
		}
	})
}

// checkLength refuses names that Channels does.
func checkLength(a address) error {
	if name := a.group + a.direct; len(name) >= channel.MaxName {
		return &channel.NameError{Kind: "channel", Name: name,
			Rule: "has 100 bytes, and Channels takes 99"}
	}
	return nil
}

// Subscribe implements channel.Transport.
func (t *core) Subscribe(
	ctx context.Context, subject string, deliver func([]byte),
) (channel.Subscription, error) {
	if err := t.admits(ctx); err != nil {
		return nil, err
	}
	l := &listener{subject: subject, target: addressOf(subject), deliver: deliver}
	if err := checkLength(l.target); err != nil {
		return nil, err
	}
	if err := t.line.want(ctx, t.private()); err != nil {
		return nil, err
	}
	t.heard.add(l)
	end, err := t.listen(ctx, l.target)
	l.end = func() {
		t.heard.remove(l)
		t.line.unwant(t.private())
		end()
	}
	if err != nil {
		l.end()
		return nil, err
	}
	return l, nil
}

// listen has messages for an address come here, until end is called.
func (t *core) listen(ctx context.Context, a address) (end func(), err error) {
	switch {
	case a.group != "":
		if err := t.roll.join(ctx, a.group); err != nil {
			return func() {}, err
		}
		return func() { t.roll.leave(a.group) }, nil
	case a.direct != "":
		t.readDirect(a.direct)
		return func() { t.leaveDirect(a.direct) }, nil
	}
	return func() {}, nil
}

// QueueSubscribe implements channel.QueueSubscriber.
func (t *core) QueueSubscribe(
	ctx context.Context, subject string, deliver func([]byte),
) (channel.Subscription, error) {
	if err := t.admits(ctx); err != nil {
		return nil, err
	}
	l := &listener{subject: subject, target: addressOf(subject), deliver: deliver}
	if l.target.direct == "" {
		return nil, fmt.Errorf("channelsredis: %s is no name: %w", subject, errors.ErrUnsupported)
	}
	if err := checkLength(l.target); err != nil {
		return nil, err
	}
	name := channel.Name(l.target.direct)
	var stops []context.CancelFunc
	t.mu.Lock()
	defer t.mu.Unlock()
	for host := range t.clients {
		stops = append(stops, t.read(host, l.target.direct, func(p parcel, err error) {
			l.deliver(payloadOf(p, channel.Parcel{Name: name}, err))
		}, func() { t.tell([]string{subject}) }))
	}
	l.end = func() { stop(stops) }
	return l, nil
}

// readDirect begins to read what is sent to names that begin with direct.
func (t *core) readDirect(direct string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.readers == nil {
		t.readers = make(map[string]*shared)
	}
	s := t.readers[direct]
	if s == nil {
		s = new(shared)
		t.readers[direct] = s
		for host := range t.clients {
			s.stops = append(s.stops, t.read(host, direct,
				func(p parcel, err error) { t.takeDirect(direct, p, err) }, func() {}))
		}
	}
	s.count++
}

func (t *core) leaveDirect(direct string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.readers[direct]
	if s.count--; s.count == 0 {
		delete(t.readers, direct)
		stop(s.stops)
	}
}

// takeDirect delivers what was sent to inboxes.
func (t *core) takeDirect(direct string, p parcel, err error) {
	if err == nil && len(p.names) == 0 {
		err = errors.New("is for nobody")
	}
	if err != nil {
		t.heard.tell(address{direct: direct}, nil)
		return
	}
	for _, name := range p.names {
		var err error
		if nonLocal(name) != direct {
			err = errors.New("is for somebody else")
		}
		to := channel.Parcel{Name: channel.Name(name)}
		t.heard.tell(address{direct: direct}, payloadOf(p, to, err))
	}
}

// takeOwn delivers what was sent to groups.
func (t *core) takeOwn(p parcel, err error) {
	if err != nil || len(p.names) == 0 {
		t.heard.complain()
		return
	}
	for _, name := range p.names {
		group, ok := strings.CutPrefix(name, t.self)
		if !ok {
			t.heard.complain()
			continue
		}
		to := channel.Parcel{Group: channel.Group(group)}
		t.heard.tell(address{group: group}, payloadOf(p, to, nil))
	}
}

// Close implements channel.Transport.
func (t *core) Close(ctx context.Context) error {
	if !t.shut() {
		return nil
	}
	t.mu.Lock()
	t.end()
	t.mu.Unlock()
	t.roll.close(ctx)
	t.line.close()
	t.running.Wait()
	t.hangUp()
	return nil
}

// key is where messages lie for a name, or for all that begin with it.
func (t *core) key(direct string) string { return t.options.Prefix + direct }

func (t *core) groupKey(group string) string { return t.options.Prefix + ":group:" + group }

func stop(all []context.CancelFunc) {
	for _, cancel := range all {
		cancel()
	}
}
