package redis

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// line looks after the subscriptions at one server, or at whatever server is the
// master now if this is no cluster. It has one connection for them, and makes another
// when that is lost.
type line struct {
	t       *Transport
	address string        // "" if this is no cluster
	bell    chan struct{} // rings when there is something to do
	again   chan struct{} // rings when it may be worth to try to connect
	stop    context.CancelFunc

	// Guarded by the transport's mu:
	dirty  []*topic
	strays []string // channels that are other lines' now
	denied bool     // there are topics that the server did not want before
	missed []string // subjects that are subscribed to again
}

// lineOf returns who looks after a subject. The caller holds mu.
func (t *Transport) lineOf(subject string) *line {
	if !t.cluster {
		return t.lineAt("")
	}
	if address := t.router.owner(slot(subject)); address != "" {
		return t.lineAt(address)
	}
	return nil
}

func (t *Transport) lineAt(address string) *line {
	if l := t.lines[address]; l != nil {
		return l
	}
	l := &line{t: t, address: address,
		bell: make(chan struct{}, 1), again: make(chan struct{}, 1)}
	t.lines[address] = l
	ctx, stop := context.WithCancel(t.work)
	l.stop = stop
	if !t.closed { // so that Close waits for it
		t.running.Go(func() { defer stop(); l.run(ctx) })
	}
	return l
}

func (l *line) poke() { ring(l.bell) }

func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

func (l *line) run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; failures++ {
		s, err := l.connect(ctx)
		if err == nil {
			err = l.serve(ctx, s, func() { // else it is as if there were none
				if failures > 0 {
					l.t.options.Logger.Info("redis: connected again", "server", l.address)
				}
				failures = 0
			})
			s.end()
		}
		l.down()
		if ctx.Err() != nil {
			return
		}
		if failures == 0 {
			l.t.options.Logger.Warn("redis: connection for subscriptions is lost",
				"server", l.address, "err", err)
		}
		l.t.router.ask()
		l.rest(ctx, pause(failures))
	}
}

// rest waits before the next attempt to connect, but not when others of the program
// have reached a server that was away, or sentinels name another.
func (l *line) rest(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	watch, stop := l.t.watch()
	defer stop()
	before := l.t.master()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.again:
			return
		case <-watch:
			if l.t.master() != before {
				return
			}
		}
	}
}

// reached has lines connect that wait to try again.
func (t *Transport) reached() {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, l := range t.lines {
		ring(l.again)
	}
}

var errNotMaster = errors.New("the server is not the master any more")

func (l *line) connect(ctx context.Context) (*session, error) {
	node, master := l.t.client, l.t.master()
	if l.address != "" {
		if node = l.t.client.Nodes()[l.address]; node == nil {
			return nil, fmt.Errorf("%s is not known in the cluster", l.address)
		}
	}
	s := newSession(l, node)
	s.master = master
	if err := s.check(ctx); err != nil {
		s.end()
		return nil, err
	}
	l.up()
	return s, nil
}

// serve does what there is to do, until the connection or ctx ends. done is called
// whenever the server has done all of it.
func (l *line) serve(ctx context.Context, s *session, done func()) error {
	tick := time.NewTicker(l.t.options.Timeout)
	defer tick.Stop()
	watch, stop := l.t.watch()
	defer stop()
	for {
		if batch, strays := l.take(); len(batch)+len(strays) > 0 {
			if err := s.apply(ctx, batch, strays); err != nil {
				return err
			}
			continue
		}
		if err := l.tell(ctx, s); err != nil {
			return err
		}
		done()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-s.gone:
			return gone(err)
		case <-l.bell:
		case <-watch:
			if l.t.master() != s.master {
				return errNotMaster
			}
		case <-tick.C:
			if err := s.check(ctx); err != nil {
				return err
			}
			l.tryDenied()
		}
	}
}

var errGone = errors.New("the connection has ended")

func gone(err error) error {
	if err == nil {
		return errGone
	}
	return err
}

// most is how many topics one turn takes: their confirmations must not overrun what
// the server keeps for a client that reads slowly.
const most = 8192

// take returns what to do next.
func (l *line) take() (batch []*topic, strays []string) {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	n := min(len(l.dirty), most)
	for _, top := range l.dirty[:n] {
		if top.line == l {
			top.dirty = false
			batch = append(batch, top)
		}
	}
	if l.dirty = l.dirty[n:]; len(l.dirty) == 0 {
		l.dirty = nil
	}
	strays, l.strays = l.strays, nil
	return batch, strays
}

// up has all topics subscribed to on a new connection.
func (l *line) up() {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	l.strays, l.denied = nil, false
	for _, top := range l.t.topics {
		if top.line == l {
			top.mark()
		}
	}
}

// down notes that the connection is lost.
func (l *line) down() {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	for _, top := range l.t.topics {
		if top.line == l {
			top.off()
		}
	}
}

// tell tells of an interruption when all is subscribed to again.
func (l *line) tell(ctx context.Context, s *session) error {
	var readers []*reader
	l.t.mu.Lock()
	missed := l.missed
	l.missed = nil
	for _, subject := range missed {
		if r := l.t.readers[subject]; r != nil {
			readers = append(readers, r)
		}
	}
	l.t.mu.Unlock()
	if len(missed) == 0 {
		return nil
	}
	if err := s.registerAgain(ctx, readers); err != nil {
		return err // they are missed again with the connection
	}
	l.t.mu.Lock()
	l.t.stats.Interruptions++
	l.t.mu.Unlock()
	l.t.notices.Missed(missed...)
	return nil
}

func (l *line) tryDenied() {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	if !l.denied {
		return
	}
	l.denied = false
	for _, top := range l.t.topics {
		if top.line == l && !top.on {
			top.mark()
		}
	}
}
