package redis

import (
	"context"
	"fmt"
	"slices"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/redis/rueidis"
)

// topic is one channel that somebody here listens to. All of it is guarded by the
// transport's mu. There may be a hundred thousand of them: it is kept small.
type topic struct {
	channel   string // has the subject in it
	kind      kind
	on        bool // the server sends
	lost      bool // it was on, and payloads may have been missed since
	dirty     bool // it is in its line's list
	line      *line
	listeners []*listener   // replaced, never changed
	settled   chan struct{} // closed when it is on or has failed; nil while nobody waits
	err       error         // why it failed; it is in no table then
}

// listener is one subscription. It implements channel.Subscription.
type listener struct {
	transport *Transport
	topic     *topic
	deliver   func(payload []byte)
}

func (t *Transport) subscribe(
	ctx context.Context, what kind, subject string, deliver func([]byte),
) (channel.Subscription, error) {
	if err := t.admits(ctx); err != nil {
		return nil, err
	}
	l := &listener{transport: t, deliver: deliver}
	settled := t.listen(l, what, subject)
	if settled == nil {
		return l, nil
	}
	select {
	case <-settled:
	case <-ctx.Done():
		_ = l.Unsubscribe()
		return nil, fmt.Errorf("redis: subscribe: %w", context.Cause(ctx))
	case <-t.work.Done():
		return nil, fmt.Errorf("redis: subscribe: %w", channel.ErrClosed)
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return l, t.failed(ctx, "subscribe", l.topic.err)
}

// listen adds a listener to a topic, and returns what to wait for, if anything.
func (t *Transport) listen(l *listener, what kind, subject string) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	name := t.names.of(what, subject)
	top := t.topics[name]
	if top == nil {
		top = &topic{channel: name, kind: what}
		t.topics[name] = top
		if line := t.lineOf(subject); line != nil { // else the router will give it one
			top.line = line
		}
	}
	l.topic = top
	top.listeners = append(slices.Clip(top.listeners), l)
	if top.on {
		return nil
	}
	if top.settled == nil {
		top.settled = make(chan struct{})
	}
	top.mark()
	return top.settled
}

// Unsubscribe implements channel.Subscription.
func (l *listener) Unsubscribe() error {
	t, top := l.transport, l.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	at := slices.Index(top.listeners, l)
	if at < 0 {
		return nil
	}
	top.listeners = slices.Delete(slices.Clone(top.listeners), at, at+1)
	if len(top.listeners) > 0 {
		return nil
	}
	top.listeners = nil
	if top.line == nil {
		t.forget(top)
	}
	top.mark()
	return nil
}

// forget takes a topic out of the table, unless another is in its place. The caller
// holds mu, as for all below.
func (t *Transport) forget(top *topic) {
	if t.topics[top.channel] == top {
		delete(t.topics, top.channel)
	}
}

// mark has the topic's line look after it.
func (top *topic) mark() {
	if top.line != nil && !top.dirty {
		top.dirty = true
		top.line.dirty = append(top.line.dirty, top)
		top.line.poke()
	}
}

func (top *topic) off() {
	top.lost = top.lost || top.on
	top.on = false
}

func (top *topic) settle(err error) {
	top.err = err
	if top.settled != nil {
		close(top.settled)
		top.settled = nil
	}
}

// dispatch, which takes mu itself, hands a message to those who listen on this line.
func (t *Transport) dispatch(from *line, message rueidis.PubSubMessage) {
	t.mu.RLock()
	top := t.topics[message.Channel]
	var listeners []*listener
	if top != nil && top.line == from { // else it comes from where it was before
		listeners = top.listeners
	}
	t.mu.RUnlock()
	if len(listeners) == 0 {
		return
	}
	payload := bytesOf(message.Message)
	for _, l := range listeners {
		t.hand(top.channel, l.deliver, payload)
	}
}

// hand calls deliver, which is not ours: all others are to hear of the payload too.
func (t *Transport) hand(of string, deliver func([]byte), payload []byte) {
	defer func() {
		if recovered := recover(); recovered != nil {
			t.options.Logger.Error("redis: deliver panicked",
				"of", of, "err", parley.NewPanicError(recovered))
		}
	}()
	deliver(payload)
}
