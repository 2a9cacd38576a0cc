package channeltest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/parleygo/parley/channel"
)

// Faults are what befalls the deliveries of a FaultyTransport: how many of them, from 0
// to 1. Those that are delayed come out of order.
type Faults struct {
	Drop      float64
	Duplicate float64
	Delay     float64
	Late      time.Duration // how late a delayed one is at most; default 10 ms
}

// ErrCut is what a FaultyTransport returns while it is cut off.
var ErrCut = errors.New("channeltest: cut off")

// FaultyTransport is a Transport that misbehaves as networks do, and notices as good
// transports do: what it has dropped is followed by an interruption. It is a
// channel.QueueSubscriber, Log, Leases and Interrupter; a method that the transport
// under it does not have returns errors.ErrUnsupported.
type FaultyTransport struct {
	transport channel.Transport
	faults    Faults

	mu        sync.Mutex
	random    *rand.Rand
	cut       bool
	closed    bool
	subjects  map[string]int // that are subscribed to, and how often
	missed    map[string]bool
	timers    map[*time.Timer]bool
	interrupt func([]string)
}

// Faulty wraps a transport. The same seed makes the same choices for the same calls.
func Faulty(transport channel.Transport, seed uint64, faults Faults) *FaultyTransport {
	if faults.Late == 0 {
		faults.Late = 10 * time.Millisecond
	}
	f := &FaultyTransport{
		transport: transport, faults: faults, random: rand.New(rand.NewPCG(seed, 0)),
		subjects: make(map[string]int), missed: make(map[string]bool),
		timers: make(map[*time.Timer]bool),
	}
	if interrupter, ok := transport.(channel.Interrupter); ok {
		interrupter.OnInterrupt(f.interrupted)
	}
	return f
}

// Cut has it cut off from the broker: nothing arrives, and calls return ErrCut.
func (f *FaultyTransport) Cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cut = true
}

// Mend ends Cut, and tells of an interruption.
func (f *FaultyTransport) Mend() {
	f.mu.Lock()
	f.cut = false
	subjects := slices.Sorted(maps.Keys(f.subjects))
	f.mu.Unlock()
	f.interrupted(subjects)
}

func (f *FaultyTransport) interrupted(subjects []string) {
	f.mu.Lock()
	tell, cut := f.interrupt, f.cut
	f.mu.Unlock()
	if tell != nil && !cut && len(subjects) > 0 { // who is cut off is told by Mend
		tell(subjects)
	}
}

// OnInterrupt implements channel.Interrupter.
func (f *FaultyTransport) OnInterrupt(tell func(subjects []string)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.interrupt = tell
}

// deliver decides what becomes of one delivery.
func (f *FaultyTransport) deliver(subject string, deliver func()) {
	f.mu.Lock()
	if f.cut || f.closed {
		f.mu.Unlock()
		return
	}
	count := 1
	switch {
	case f.random.Float64() < f.faults.Drop:
		count = 0
		f.miss(subject)
	case f.random.Float64() < f.faults.Duplicate:
		count = 2
	}
	now := 0
	for range count {
		if f.random.Float64() < f.faults.Delay {
			f.later(func() {
				if f.reaches() == nil {
					deliver()
				}
			})
		} else {
			now++
		}
	}
	f.mu.Unlock()
	for range now {
		deliver()
	}
}

// miss has an interruption of the subject told. The caller holds mu.
func (f *FaultyTransport) miss(subject string) {
	if f.missed[subject] {
		return
	}
	f.missed[subject] = true
	f.later(func() {
		f.mu.Lock()
		delete(f.missed, subject)
		f.mu.Unlock()
		f.interrupted([]string{subject})
	})
}

// later is called with mu held.
func (f *FaultyTransport) later(do func()) {
	var timer *time.Timer
	timer = time.AfterFunc(time.Duration(f.random.Int64N(int64(f.faults.Late))), func() {
		f.mu.Lock()
		closed := f.closed
		delete(f.timers, timer)
		f.mu.Unlock()
		if !closed {
			do()
		}
	})
	f.timers[timer] = true
}

// reaches returns why a call does not reach the broker.
func (f *FaultyTransport) reaches() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cut {
		return ErrCut
	}
	return nil
}

// Close implements channel.Transport. It works while the transport is cut off.
func (f *FaultyTransport) Close(ctx context.Context) error {
	f.mu.Lock()
	f.closed = true
	for timer := range f.timers {
		timer.Stop()
	}
	f.mu.Unlock()
	return f.transport.Close(ctx)
}

// subscribe counts the subject, for Mend.
func (f *FaultyTransport) subscribe(
	subject string, subscribe func() (channel.Subscription, error),
) (channel.Subscription, error) {
	if err := f.reaches(); err != nil {
		return nil, err
	}
	sub, err := subscribe()
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subjects[subject]++
	return &faultySubscription{sub, f, subject}, nil
}

type faultySubscription struct {
	channel.Subscription
	faulty  *FaultyTransport
	subject string
}

// Unsubscribe implements channel.Subscription.
func (s *faultySubscription) Unsubscribe() error {
	f := s.faulty
	f.mu.Lock()
	if f.subjects[s.subject]--; f.subjects[s.subject] == 0 {
		delete(f.subjects, s.subject)
	}
	f.mu.Unlock()
	return s.Subscription.Unsubscribe()
}

func unsupported(what string, transport channel.Transport) error {
	return fmt.Errorf("channeltest: %T has no %s: %w", transport, what, errors.ErrUnsupported)
}
