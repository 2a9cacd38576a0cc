package nats

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// regains are the subscriptions that the server has ended for want of rights. Nobody says
// when a right is back. So they are tried again, a few at a time: with growing pauses as long
// as all are refused, and with more of them at once while some are not.
type regains struct {
	transport *Transport

	mu      sync.Mutex
	refused map[string]struct{} // subjects of which nobody was told yet
	ended   map[*subscription]struct{}
	trying  map[string]struct{} // subjects that are asked for again, and may be refused again
	deaf    string              // one of the transport's own that was refused
	breaks  int                 // of the connection
	telling bool
	running bool
}

const (
	firstTry  = 200 * time.Millisecond
	lastTry   = 30 * time.Second // the longest pause, which is shortened by chance by up to a half
	fewTries  = 8                // in one round trip
	mostTries = 4096
	gather    = 10 * time.Millisecond
)

func (r *regains) init(t *Transport) {
	r.transport = t
	r.refused, r.trying = make(map[string]struct{}), make(map[string]struct{})
	r.ended = make(map[*subscription]struct{})
}

// hears is told of each denial. It reports whether that is news: it is not where something
// was only tried again.
func (r *regains) hears(d denial, inbox string) bool {
	if d.what != subscribing || d.subject == "" {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if own := r.transport.options.Prefix + control; strings.HasPrefix(d.subject, inbox) ||
		strings.HasPrefix(d.subject, own) {
		news := r.deaf == ""
		r.deaf = d.subject
		r.running = r.running || r.transport.background(r.run)
		return news
	}
	if _, again := r.trying[d.subject]; again {
		return false
	}
	r.refused[d.subject] = struct{}{}
	r.telling = r.telling || r.transport.background(func(context.Context) { r.tell() })
	return true
}

// tell has those told whose subscriptions were ended, and those tried again. As a rule many
// were: they are looked for together.
func (r *regains) tell() {
	for {
		time.Sleep(gather)
		r.mu.Lock()
		refused := r.refused
		r.refused = make(map[string]struct{})
		r.telling = len(refused) > 0
		r.mu.Unlock()
		if len(refused) == 0 {
			return
		}
		var subjects []string
		for _, sub := range r.transport.subs.all() {
			if _, is := refused[sub.wire]; is && r.add(sub) {
				subjects = append(subjects, sub.subject)
			}
		}
		r.transport.notices.Missed(subjects...)
	}
}

func (r *regains) add(sub *subscription) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.transport.subs.has(sub) {
		return false
	}
	r.ended[sub] = struct{}{}
	r.running = r.running || r.transport.background(r.run)
	return true
}

// forget is for a subscription that nobody wants any more.
func (r *regains) forget(sub *subscription) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.ended, sub)
}

// disconnected: the next connection asks for everything anew.
func (r *regains) disconnected() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.ended)
	clear(r.refused)
	clear(r.trying)
	r.deaf = ""
	r.breaks++
}

func (r *regains) run(ctx context.Context) {
	count := fewTries
	for pause := firstTry; r.pending(); {
		wait := time.NewTimer(pause - rand.N(pause/2))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return
		}
		r.listen(ctx)
		if r.try(ctx, count) {
			pause, count = firstTry, min(2*count, mostTries)
		} else {
			pause, count = min(2*pause, lastTry), fewTries
		}
	}
}

// pending reports whether there is something to be tried again. Who runs ends if not.
func (r *regains) pending() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = r.deaf != "" || len(r.ended) > 0
	return r.running
}

// try subscribes to some again, chosen by chance, and has those told that hear again. It
// reports whether there are any.
func (r *regains) try(ctx context.Context, count int) bool {
	t, began := r.transport, r.transport.denials.now()
	some, breaks := r.some(count)
	for _, sub := range some {
		t.resubscribe(sub)
	}
	settled := len(some) > 0 && t.peers.settle(ctx) == nil
	refused := func(sub *subscription) bool {
		return !settled || t.refused(began, subscribing, sub.wire) != nil
	}
	some = slices.DeleteFunc(some, refused)
	var subjects []string
	for _, sub := range r.regained(some, settled, breaks) {
		subjects = append(subjects, sub.subject)
	}
	t.notices.Missed(subjects...)
	return len(subjects) > 0
}

// some returns so many that have ended, and how often the connection was interrupted.
func (r *regains) some(count int) (some []*subscription, breaks int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for sub := range r.ended {
		if len(some) == count {
			break
		}
		some = append(some, sub)
		r.trying[sub.wire] = struct{}{}
	}
	return some, r.breaks
}

// regained returns those of a try that hear again, and ends it if the server has answered. If
// the connection was interrupted meanwhile everything was asked for anew.
func (r *regains) regained(
	allowed []*subscription, settled bool, breaks int,
) (regained []*subscription) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if settled {
		clear(r.trying)
	}
	for _, sub := range allowed {
		if _, is := r.ended[sub]; is && r.breaks == breaks {
			delete(r.ended, sub)
			regained = append(regained, sub)
		}
	}
	return regained
}

// listen connects anew if there is something that the transport itself has to hear and may
// hear again, such as the answers that nats.go has subscribed to.
func (r *regains) listen(ctx context.Context) {
	r.mu.Lock()
	subject := r.deaf
	r.mu.Unlock()
	t, began := r.transport, r.transport.denials.now()
	if subject == "" {
		return
	}
	probe, err := t.conn.SubscribeSync(subject)
	if err != nil {
		return
	}
	defer probe.Unsubscribe() //nolint:errcheck // fails if there is no connection: it is over then
	if t.flush(ctx) == nil && t.refused(began, subscribing, subject) == nil {
		_ = t.conn.ForceReconnect() // fails if it is closed
	}
}

// resubscribe has nats.go ask for a subscription again, behind the same channel. Nothing is
// heard twice: the server is asked to end it first, which it has.
func (t *Transport) resubscribe(sub *subscription) {
	t.registering.Lock()
	defer t.registering.Unlock()
	if t.subs.has(sub) {
		_ = sub.nats.Unsubscribe() // fails if the connection is closed
		if again, err := t.listen(sub); err == nil {
			t.subs.replace(sub, again)
		}
	}
}
