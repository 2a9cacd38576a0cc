package channel_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley/channel"
)

// probe is a transport that counts, fails and hangs when it is told to.
type probe struct {
	channel.Transport
	mu         sync.Mutex
	subscribed map[string]int // subscriptions now
	most       map[string]int // and at any time
	published  atomic.Int32
	fails      atomic.Pointer[error]
	hangs      chan struct{} // Subscribe waits for it, if set
}

func newProbe(broker *channel.Broker) *probe {
	return &probe{Transport: broker.Connect(), subscribed: make(map[string]int),
		most: make(map[string]int)}
}

func (p *probe) fail(err error) { p.fails.Store(&err) }

func (p *probe) Publish(ctx context.Context, subject string, payload []byte) error {
	if err := p.fails.Load(); err != nil && *err != nil {
		return *err
	}
	p.published.Add(1)
	return p.Transport.Publish(ctx, subject, payload)
}

func (p *probe) Subscribe(
	ctx context.Context, subject string, deliver func([]byte),
) (channel.Subscription, error) {
	if err := p.fails.Load(); err != nil && *err != nil {
		return nil, *err
	}
	if p.hangs != nil {
		select {
		case <-p.hangs:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	sub, err := p.Transport.Subscribe(ctx, subject, deliver)
	p.change(subject, 1)
	return &probeSubscription{sub, p, subject}, err
}

func (p *probe) change(subject string, by int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.subscribed[subject] += by
	p.most[subject] = max(p.most[subject], p.subscribed[subject])
}

func (p *probe) now(subject string) (now, most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.subscribed[subject], p.most[subject]
}

type probeSubscription struct {
	channel.Subscription
	probe   *probe
	subject string
}

func (s *probeSubscription) Unsubscribe() error {
	s.probe.change(s.subject, -1)
	return s.Subscription.Unsubscribe()
}

func TestTransportIsAskedOncePerSubject(t *testing.T) {
	var broker channel.Broker
	transport := newProbe(&broker)
	layer := newLayer(t, channel.Options{Transport: transport, Namespace: "test"})
	a, b := open(t, layer, channel.InboxOptions{}), open(t, layer, channel.InboxOptions{})
	for range 3 {
		join(t, a, "room", "room")
		join(t, b, "room")
		if now, most := transport.now("test.group.room"); now != 1 || most != 1 {
			t.Errorf("two members, %d subscriptions, at most %d", now, most)
		}
		a.Leave("room")
		a.Leave("room")
		if now, _ := transport.now("test.group.room"); now != 1 {
			t.Errorf("one member, %d subscriptions", now)
		}
		b.Leave("room")
		if now, _ := transport.now("test.group.room"); now != 0 {
			t.Errorf("no member, %d subscriptions", now)
		}
	}
	join(t, a, "room")
	join(t, b, "room")
	before := transport.published.Load()
	groupSend(t, layer, "room", "x")
	if got := transport.published.Load() - before; got != 1 {
		t.Errorf("B7.3: one group send, %d publications", got)
	}
	for _, inbox := range []*channel.Inbox{a, b} {
		if got := unread(t, inbox); len(got) != 1 {
			t.Errorf("the layer hears itself: %q", got)
		}
	}
}

func TestManyJoinAtOnce(t *testing.T) {
	var broker channel.Broker
	transport := newProbe(&broker)
	layer, other := newLayer(t, channel.Options{Transport: transport}),
		newLayer(t, channel.Options{Transport: broker.Connect()})
	for range 50 {
		var joining sync.WaitGroup
		for range 8 {
			inbox := open(t, layer, channel.InboxOptions{})
			joining.Go(func() {
				join(t, inbox, "room")
				groupSend(t, other, "room", "x")
				if got := inbox.Stats().Enqueued; got == 0 {
					t.Error("what was sent after Join has not arrived")
				}
				inbox.Close()
			})
		}
		joining.Wait()
		if now, most := transport.now("parley.group.room"); now != 0 || most > 2 {
			t.Fatalf("%d subscriptions, at most %d", now, most)
		}
	}
}

func TestJoinFails(t *testing.T) {
	var broker channel.Broker
	transport := newProbe(&broker)
	layer := newLayer(t, channel.Options{Transport: transport})
	inbox := open(t, layer, channel.InboxOptions{})
	down := errors.New("broker is down")
	transport.fail(down)
	if err := inbox.Join(ctx, "room"); !errors.Is(err, down) {
		t.Errorf("join: %v", err)
	}
	if got := inbox.Groups(); len(got) != 0 {
		t.Errorf("member of %q", got)
	}
	transport.fail(nil)
	join(t, inbox, "room")
	transport.fail(down)
	result, err := layer.GroupSend(ctx, "room", text("x"))
	if !errors.Is(err, down) || result != (channel.SendResult{Matched: 1, Enqueued: 1}) {
		t.Errorf("B7.13: the members here get it all the same: %+v, %v", result, err)
	}
}

func TestOpenFails(t *testing.T) {
	var broker channel.Broker
	transport := newProbe(&broker)
	layer := newLayer(t, channel.Options{Transport: transport})
	down := errors.New("broker is down")
	transport.fail(down)
	_, err := layer.Open(ctx, channel.InboxOptions{OnClose: func(error) {
		t.Error("OnClose of an inbox that was never open")
	}})
	if !errors.Is(err, down) {
		t.Errorf("open: %v", err)
	}
	if _, err := layer.Open(ctx,
		channel.InboxOptions{Name: "jobs"}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("general name without QueueSubscribe: %v", err)
	}
	if stats := layer.Stats(); stats.Inboxes != 0 || stats.Subscriptions != 0 {
		t.Errorf("%+v", stats)
	}
}

// The one who subscribes gives up; who waits for it must not fail for that.
func TestJoinIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		transport := newProbe(&broker)
		layer := newLayer(t, channel.Options{Transport: transport})
		a, b, c := open(t, layer, channel.InboxOptions{}), open(t, layer, channel.InboxOptions{}),
			open(t, layer, channel.InboxOptions{})
		transport.hangs = make(chan struct{})

		first, cancelFirst := context.WithCancel(ctx)
		second, cancelSecond := context.WithCancel(ctx)
		var joins sync.WaitGroup
		joins.Go(func() {
			if err := a.Join(first, "room"); !errors.Is(err, context.Canceled) {
				t.Errorf("first: %v", err)
			}
		})
		synctest.Wait()
		joins.Go(func() {
			if err := b.Join(second, "room"); !errors.Is(err, context.Canceled) {
				t.Errorf("second: %v", err)
			}
		})
		joins.Go(func() { join(t, c, "room") })
		synctest.Wait()
		cancelSecond()
		synctest.Wait()
		cancelFirst()
		synctest.Wait()
		close(transport.hangs)
		joins.Wait()
		if got := layer.Members("room"); len(got) != 1 || got[0] != c.Name() {
			t.Errorf("members %q", got)
		}
	})
}

func TestInboxIsClosedWhileItJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		transport := newProbe(&broker)
		layer := newLayer(t, channel.Options{Transport: transport})
		inbox := open(t, layer, channel.InboxOptions{})
		transport.hangs = make(chan struct{})
		joined := make(chan error)
		go func() { joined <- inbox.Join(ctx, "room") }()
		synctest.Wait()
		inbox.Close()
		close(transport.hangs)
		if err := <-joined; !errors.Is(err, channel.ErrClosed) {
			t.Errorf("join: %v", err)
		}
		if now, _ := transport.now("parley.group.room"); now != 0 {
			t.Errorf("%d subscriptions are left", now)
		}
	})
}

// B7.11: what is not understood is counted and skipped.
func TestForeignEnvelopes(t *testing.T) {
	var broker channel.Broker
	stranger := broker.Connect()
	small := newLayer(t, channel.Options{Transport: broker.Connect(), MaxMessage: 3})
	large := newLayer(t, channel.Options{Transport: broker.Connect()})
	inbox := open(t, small, channel.InboxOptions{})
	join(t, inbox, "room")
	for _, payload := range []string{"", "garbage", "\x02\x02\x00\x01o\x04room\x01t",
		"\x01\x02\x00\x01o\x05other\x01t", "\x01\x02\x00\x01o\x04room\x01t4444"} {
		if err := stranger.Publish(ctx, "parley.group.room", []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	if stats := small.Stats(); stats.BadEnvelopes != 5 || stats.Enqueued != 0 {
		t.Errorf("%+v", stats)
	}
	groupSend(t, large, "room", "ok")
	if got := receive(t, inbox); got != "ok" {
		t.Errorf("received %q", got)
	}
}

// A name that nobody has in the layer it leads to is counted there.
func TestSendToADeadNameElsewhere(t *testing.T) {
	var broker channel.Broker
	here, there := newLayer(t, channel.Options{Transport: broker.Connect()}),
		newLayer(t, channel.Options{Transport: broker.Connect()})
	dead, alive := open(t, there, channel.InboxOptions{}),
		open(t, there,
			channel.InboxOptions{Policy: channel.Block, Capacity: channel.Capacity{Messages: 1}})
	dead.Close()
	send(t, here, dead.Name(), "x")
	if stats := there.Stats(); stats.Dropped != 1 {
		t.Errorf("%+v", stats)
	}
	send(t, here, alive.Name(), "1", "2") // the second has no room, and cannot wait
	if stats := there.Stats(); stats.Dropped != 2 || stats.Enqueued != 1 || stats.Unread != 1 {
		t.Errorf("%+v", stats)
	}
}

// A layer that is closed while an inbox opens leaves neither inbox nor subscription.
func TestLayerIsClosedWhileAnInboxOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		transport := newProbe(&broker)
		layer := newLayer(t, channel.Options{Transport: transport})
		transport.hangs = make(chan struct{})
		opened := make(chan error)
		go func() {
			_, err := layer.Open(ctx, channel.InboxOptions{
				OnClose: func(error) { t.Error("OnClose of an inbox that was never open") },
			})
			opened <- err
		}()
		synctest.Wait()
		_ = layer.Close(ctx)
		close(transport.hangs)
		if err := <-opened; !errors.Is(err, channel.ErrClosed) {
			t.Errorf("open: %v", err)
		}
	})
}

// A transport that keeps to nothing is an error, not a nil that is called later.
func TestTransportWithoutSubscription(t *testing.T) {
	layer := newLayer(t, channel.Options{Transport: nothingThere{}})
	if _, err := layer.Open(ctx, channel.InboxOptions{}); err == nil ||
		!strings.Contains(err.Error(), "neither subscription nor error") {
		t.Errorf("open: %v", err)
	}
}

type nothingThere struct{}

func (nothingThere) Publish(context.Context, string, []byte) error { return nil }
func (nothingThere) Close(context.Context) error                   { return nil }
func (nothingThere) Subscribe(context.Context, string, func([]byte)) (channel.Subscription, error) {
	return nil, nil
}

// lateQueue is a transport that hands over what is for a general name when its
// subscription has ended.
type lateQueue struct {
	channel.Transport
	deliver func([]byte)
}

func (q *lateQueue) QueueSubscribe(
	ctx context.Context, subject string, deliver func([]byte),
) (channel.Subscription, error) {
	q.deliver = deliver
	return q.Transport.(channel.QueueSubscriber).QueueSubscribe(ctx, subject, deliver)
}

// What is shared out goes to one reader. One that comes when that has just withdrawn is
// lost, and not in silence.
func TestLateForAGeneralName(t *testing.T) {
	var broker channel.Broker
	transport := &lateQueue{Transport: broker.Connect()}
	var drops []channel.Drop
	layer := channel.New(channel.Options{
		Transport: transport, OnDrop: func(d channel.Drop) { drops = append(drops, d) },
	})
	defer layer.Close(t.Context())
	inbox, err := layer.Open(t.Context(), channel.InboxOptions{Name: "jobs"})
	if err != nil {
		t.Fatal(err)
	}
	inbox.Close()
	job := channel.Parcel{Origin: "other", Name: "jobs", Message: channel.NewMessage("job", nil)}
	transport.deliver(job.Payload())
	if len(drops) != 1 || drops[0].Name != "jobs" || drops[0].Reason != channel.DroppedClosed ||
		layer.Stats().Dropped != 1 {
		t.Errorf("told of %v, %+v", drops, layer.Stats())
	}
}
