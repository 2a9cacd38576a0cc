package channel_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/parleygo/parley/channel"
)

// memoryTransport is what a Broker connects.
type memoryTransport interface {
	channel.Transport
	channel.QueueSubscriber
	channel.Log
	channel.Leases
	channel.Jobs
	channel.Interrupter
}

// mortal is the transport of a process that one of the fates befalls at one of its calls.
type mortal struct {
	memoryTransport
	broker *channel.Broker
	fate   fate
	at     int    // the call that it befalls
	moment func() // called when it does, and when it has

	mu        sync.Mutex
	calls     int
	dead      bool
	cut       bool
	thaws     time.Time
	arrived   []func() // while it is frozen
	interrupt func([]string)
	subjects  map[string]int
}

var errNoAnswer = errors.New("no answer")

func connectMortal(broker *channel.Broker, at int, f fate, moment func()) *mortal {
	m := &mortal{memoryTransport: broker.Connect().(memoryTransport), broker: broker, at: at,
		fate: f, moment: moment, subjects: make(map[string]int)}
	m.memoryTransport.OnInterrupt(func(subjects []string) { m.interrupted(subjects) })
	return m
}

func (m *mortal) interrupted(subjects []string) {
	m.mu.Lock()
	tell := m.interrupt
	if m.dead || m.cut {
		tell = nil
	}
	m.mu.Unlock()
	if tell != nil && len(subjects) > 0 {
		tell(subjects)
	}
}

// die has nothing come from this process any more, nor to it.
func (m *mortal) die() {
	m.mu.Lock()
	m.dead = true
	m.mu.Unlock()
	_ = m.memoryTransport.Close(ctx)
}

func (m *mortal) isDead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

// isDoomed reports whether something happens to it, or has happened.
func (m *mortal) isDoomed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at > 0
}

// cutOff has it cut off for so long.
func (m *mortal) cutOff(length time.Duration) {
	m.mu.Lock()
	m.cut = true
	m.mu.Unlock()
	time.AfterFunc(length, func() {
		m.mu.Lock()
		m.cut = false
		subjects := slices.Sorted(maps.Keys(m.subjects))
		m.mu.Unlock()
		m.interrupted(subjects)
	})
}

// freeze has it do nothing for so long. What arrives meanwhile waits.
func (m *mortal) freeze(length time.Duration) {
	m.mu.Lock()
	m.thaws = time.Now().Add(length)
	m.mu.Unlock()
	time.AfterFunc(length, func() {
		for {
			m.mu.Lock()
			arrived := m.arrived
			m.arrived = nil
			m.mu.Unlock()
			if len(arrived) == 0 {
				return
			}
			for _, deliver := range arrived {
				deliver()
			}
		}
	})
}

// spare has nothing happen to it any more, and returns how many calls it has made.
func (m *mortal) spare() (calls int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at = 0
	return m.calls
}

// reach waits while it is frozen, and returns why a call does not reach the broker.
func (m *mortal) reach() error {
	m.mu.Lock()
	wait := time.Until(m.thaws)
	m.mu.Unlock()
	time.Sleep(wait)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.dead:
		return channel.ErrClosed
	case m.cut:
		return errNoAnswer
	}
	return nil
}

// ask makes a call, unless it is the one that the fate befalls. What that leaves behind of
// a call that has no answer undo gives back.
func ask[R any](
	ctx context.Context, m *mortal, call func(ctx context.Context) (R, error), undo func(R),
) (none R, err error) {
	m.mu.Lock()
	m.calls++
	hit := m.calls == m.at
	m.mu.Unlock()
	if err := m.reach(); err != nil {
		return none, err
	}
	if !hit {
		result, err := call(ctx)
		return result, err
	}
	answer := make(chan R, 1)
	m.moment()
	err = m.fate.befall(ctx, m, func(ctx context.Context) error {
		result, err := call(ctx)
		answer <- result
		m.moment()
		return err
	})
	if err == nil {
		return <-answer, nil
	}
	if undo != nil {
		time.AfterFunc(10*time.Second, func() { // a late one, too
			select {
			case result := <-answer:
				undo(result)
			default:
			}
		})
	}
	return none, err
}

// do makes a call that has no result but its error.
func (m *mortal) do(ctx context.Context, call func(ctx context.Context) error) error {
	_, err := ask(ctx, m, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, call(ctx)
	}, nil)
	return err
}

// deliver brings what arrives.
func (m *mortal) deliver(bring func()) {
	m.mu.Lock()
	switch {
	case m.dead || m.cut:
		bring = func() {}
	case time.Now().Before(m.thaws):
		m.arrived = append(m.arrived, bring)
		bring = func() {}
	}
	m.mu.Unlock()
	bring()
}

// subscribe makes a subscription that the interruptions are told of.
func (m *mortal) subscribe(
	ctx context.Context, subject string,
	call func(ctx context.Context) (channel.Subscription, error),
) (channel.Subscription, error) {
	sub, err := ask(ctx, m, call, func(sub channel.Subscription) {
		if sub != nil {
			_ = sub.Unsubscribe()
		}
	})
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.subjects[subject]++
	return &mortalSubscription{sub, m, subject}, nil
}

type mortalSubscription struct {
	channel.Subscription
	mortal  *mortal
	subject string
}

func (s *mortalSubscription) Unsubscribe() error {
	m := s.mortal
	m.mu.Lock()
	if m.subjects[s.subject]--; m.subjects[s.subject] == 0 {
		delete(m.subjects, s.subject)
	}
	m.mu.Unlock()
	return s.Subscription.Unsubscribe()
}
