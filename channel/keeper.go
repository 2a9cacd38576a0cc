package channel

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/parleygo/parley/internal/presence"
	"github.com/parleygo/parley/internal/usercode"
)

// keeper holds the lease of a layer over a transport, says what its members do, and
// looks for leases of others that have lapsed. It has one goroutine, from the first
// presence that the layer has to do with until Close, so that whatever happens to one
// stay goes out in order.
type keeper struct {
	layer  *Layer
	leases Leases
	owner  string
	wake   chan struct{} // holds a token when there is something to do
	done   chan struct{} // closed when the goroutine is gone

	mu      sync.Mutex // never held while anything waits
	enters  []*entering
	held    map[string]*stay // by id: those with a record
	outbox  []announcement
	exits   []Record
	checks  map[Group]check // of groups of which something may be missed
	checkAt time.Time       // none of them is due before
	renewAt time.Time
	lookAt  time.Time
	leased  bool      // there was a lease
	renewed time.Time // when its last renewal was asked for
	behind  bool      // the records must be entered again
	buried  []string  // ids of stays of which others have said that they are over

	doubts map[string]doubt // by id: records of which it is not known whether they are there
}

// entering is a stay on its way into the lease.
type entering struct {
	stay *stay
	done chan error
	over bool // its sender has given up
}

// announcement is news for other layers. A leave of an own stay is followed by its Exit.
type announcement struct {
	group Group
	kind  byte
	stay  presence.Stay
}

const (
	goneAfter   = 30 * time.Second // a process that dies is out
	leaseLife   = goneAfter - lookEvery
	lookEvery   = 5 * time.Second // for leases that have lapsed
	renewEvery  = 10 * time.Second
	retryAfter  = time.Second
	callTimeout = 5 * time.Second
	sayAtOnce   = 64 // news, while somebody waits to enter

	// Who loses its records with the memory of the broker enters them again when it
	// renews, and has the same stays if that is soon. Only later it means something that
	// somebody is missing.
	soon       = renewEvery + callTimeout
	checkAfter = soon + callTimeout
)

// keeper returns the layer's, which it starts when it is first asked for.
func (l *Layer) keeper() *keeper {
	p := &l.presence
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keeper == nil {
		p.keeper = &keeper{
			layer: l, leases: l.wire.leases, owner: l.options.Namespace + "." + l.id,
			wake: make(chan struct{}, 1), done: make(chan struct{}),
			held: make(map[string]*stay), checks: make(map[Group]check),
			renewAt: time.Now().Add(renewEvery), lookAt: time.Now().Add(lookEvery),
		}
		go p.keeper.run()
	}
	return p.keeper
}

// enter writes a stay into the lease. What several want at once is one command.
func (k *keeper) enter(ctx context.Context, s *stay) error {
	e := &entering{stay: s, done: make(chan error, 1)}
	k.mu.Lock()
	k.enters = append(k.enters, e)
	k.mu.Unlock()
	k.nudge()
	select {
	case err := <-e.done:
		return err
	case <-k.done:
		return ErrClosed
	case <-ctx.Done():
		k.mu.Lock()
		defer k.mu.Unlock()
		e.over = true
		if i := slices.Index(k.enters, e); i >= 0 {
			k.enters = slices.Delete(k.enters, i, i+1)
		} else if k.held[s.now().ID] == s {
			k.drop(s)
		}
		return context.Cause(ctx)
	}
}

// exit takes a stay out of the lease, and returns what it was to others.
func (k *keeper) exit(s *stay) presence.Stay {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop(s)
	k.nudge()
	return s.now()
}

// drop is called with mu held.
func (k *keeper) drop(s *stay) {
	now := s.now()
	delete(k.held, now.ID)
	k.outbox = append(k.outbox, announcement{s.group, kindLeave, now})
	k.exits = append(k.exits, k.layer.wire.record(s.group, now))
}

func (k *keeper) announce(a announcement) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.outbox = append(k.outbox, a)
	k.nudge()
}

// heard looks whether somebody else says that an own stay is over: then the lease has
// lapsed, or has seemed to, and the stay has to become another one, whatever is known of
// the lease here.
func (k *keeper) heard(n *news) {
	if n.kind != kindLeave {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, over := range n.stays {
		if k.held[over.ID] != nil {
			k.buried = append(k.buried, over.ID)
			k.renewAt = time.Now()
			k.nudge()
		}
	}
}

// interrupted has the lease looked at, and soon also who is in these groups. Without a
// lease until now it would not be seen that the broker has lost its memory.
func (k *keeper) interrupted(groups []Group) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.renewAt = time.Now()
	if k.leased {
		k.plan(groups...)
	} else {
		k.putOff(groups)
	}
	k.nudge()
}

// listed has it asked once more who is in a group of which nothing was heard before: who
// had said goodbye by then may have been there still, until its record was removed. And so
// it is if somebody was missing: the broker has lost its memory, or news were lost.
func (k *keeper) listed(group Group, list []presence.Stay) {
	k.mu.Lock()
	defer k.mu.Unlock()
	foreign := func(s presence.Stay) bool { return k.held[s.ID] == nil }
	if slices.ContainsFunc(list, foreign) {
		k.plan(group)
		k.nudge()
	}
}

func (k *keeper) nudge() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *keeper) run() {
	defer close(k.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-k.layer.ctx.Done():
			return
		case <-k.wake:
		case <-timer.C:
		}
		timer.Reset(k.work())
	}
}

// call calls a method of the transport, which may take only so long.
func (k *keeper) call(parent context.Context, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(parent, callTimeout)
	defer cancel()
	return usercode.Apart(func() error { return f(ctx) })
}

// close says goodbye for all who are left. If that fails the lease lapses, and others
// say it.
func (k *keeper) close(ctx context.Context) {
	select {
	case <-k.done:
	case <-ctx.Done():
		return
	}
	k.mu.Lock()
	for _, s := range k.held { // of inboxes that are just about to end by themselves
		k.drop(s)
	}
	k.mu.Unlock()
	if k.say(ctx) == nil && k.leased {
		_ = k.call(ctx, func(ctx context.Context) error { return k.leases.Drop(ctx, k.owner) })
	}
}
