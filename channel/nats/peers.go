package nats

import (
	"context"
	"errors"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"
)

// In a cluster a server tells the others of a new subscription when it has already
// said yes to the client. So a transport asks, of each server that has one of our
// transports, whether it has heard: what a server says to another comes in order, and a
// question that is answered has overtaken nothing. Servers are known from transports
// that greet each other when they connect, and from time to time.
//
// The same questions show when two servers have lost each other: neither of their
// clients would notice.
type peers struct {
	transport *Transport

	mu    sync.Mutex
	own   string // the server that this transport is connected to; "" if it is alone
	here  *natsgo.Subscription
	all   *natsgo.Subscription
	known map[string]time.Time // servers of others: since when one does not answer, or zero
	next  *round               // of questions, for those who come while one is under way
	busy  bool
	again chan struct{} // closed by the next greeting
}

// round is one question to all, and its answer.
type round struct {
	done chan struct{}
	err  error
}

const (
	greeting = 100 * time.Millisecond // in which others answer a greeting
	answer   = time.Second            // in which a server answers, or is as good as gone
	mostLost = 100                    // servers that are remembered to have gone
)

func (p *peers) init(t *Transport) {
	p.transport, p.known, p.again = t, make(map[string]time.Time), make(chan struct{})
}

// meet makes this transport known to those on other servers, and the other way round.
func (p *peers) meet(ctx context.Context) error {
	if err := p.listen(); err != nil {
		return err
	}
	if err := p.transport.flush(ctx); err != nil {
		return err
	}
	if err := p.greet(ctx, greeting); err != nil {
		return err
	}
	p.mu.Lock()
	close(p.again)
	p.again = make(chan struct{})
	p.mu.Unlock()
	return nil
}

// listen subscribes to what other transports ask. There are none to talk to if the
// server is alone.
func (p *peers) listen() (err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	conn, own := p.transport.conn, ""
	if conn.ConnectedClusterName() != "" {
		own = conn.ConnectedServerId()
	}
	if own == p.own {
		return nil
	}
	p.hush()
	if p.own = own; own == "" {
		return nil
	}
	delete(p.known, own)
	if p.here, err = conn.QueueSubscribe(p.at(own), "parley", func(m *natsgo.Msg) {
		_ = m.Respond(nil) // who asks sees that nothing comes
	}); err == nil {
		p.all, err = conn.Subscribe(p.at("all"), p.greeted)
	}
	return err
}

// silence has this transport answer no more.
func (p *peers) silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hush()
}

// hush is called with mu held.
func (p *peers) hush() {
	for _, sub := range []*natsgo.Subscription{p.here, p.all} {
		if sub != nil {
			_ = sub.Unsubscribe() // fails if there is no connection: then it is over as well
		}
	}
	p.here, p.all = nil, nil
}

func (p *peers) clustered() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.own != ""
}

func (p *peers) at(server string) string { return p.transport.options.Prefix + control + server }

func (p *peers) greeted(m *natsgo.Msg) {
	p.mu.Lock()
	own := p.own
	p.mu.Unlock()
	p.learn(string(m.Data))
	_ = m.Respond([]byte(own)) // who asks sees that nothing comes
}

// learn remembers a server. One that did not answer and is there again has had much to
// say meanwhile.
func (p *peers) learn(server string) {
	if token(server) != server {
		return // not one of us
	}
	p.mu.Lock()
	lost := !p.known[server].IsZero()
	if server != p.own {
		p.known[server] = time.Time{}
	}
	p.mu.Unlock()
	if lost {
		p.transport.interrupted()
	}
}

// greet tells all that this transport is here, and hears for a while who else is.
func (p *peers) greet(ctx context.Context, window time.Duration) error {
	p.mu.Lock()
	own := p.own
	p.mu.Unlock()
	if own == "" {
		return nil
	}
	conn := p.transport.conn
	inbox := conn.NewInbox()
	answers, err := conn.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer answers.Unsubscribe() //nolint:errcheck // fails if there is no connection: it is over then
	if err := conn.PublishRequest(p.at("all"), inbox, []byte(own)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, window)
	defer cancel()
	for {
		m, err := answers.NextMsgWithContext(ctx)
		if err != nil {
			return nil // the time is over
		}
		p.learn(string(m.Data))
	}
}

// settle returns when all servers know of all subscriptions that this transport has
// made before. It waits for a connection that is interrupted, but no longer than
// Options.Timeout.
func (p *peers) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.transport.options.Timeout)
	defer cancel()
	for {
		r, again := p.join()
		select {
		case <-r.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if r.err == nil || p.transport.conn.IsClosed() {
			return r.err
		}
		select {
		case <-again:
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), r.err)
		}
	}
}

// join returns the next round that begins, which is one for all who come until then.
func (p *peers) join() (r *round, again chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == nil {
		p.next = &round{done: make(chan struct{})}
	}
	r, again = p.next, p.again
	if !p.busy && p.transport.background(p.rounds) {
		p.busy = true
	} else if !p.busy {
		p.next, r.err = nil, natsgo.ErrConnectionClosed
		close(r.done)
	}
	return r, again
}

func (p *peers) rounds(ctx context.Context) {
	for {
		p.mu.Lock()
		r := p.next
		p.next, p.busy = nil, r != nil
		p.mu.Unlock()
		if r == nil {
			return
		}
		if r.err = p.transport.flush(ctx); r.err == nil {
			p.ask(ctx)
		}
		close(r.done)
	}
}

// ask waits for an answer from each server that is known. One that has none of our
// transports any more says so at once, by way of the own server.
func (p *peers) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	var asking sync.WaitGroup
	for _, server := range p.others() {
		asking.Go(func() {
			_, err := p.transport.conn.RequestWithContext(ctx, p.at(server), nil)
			if err != nil {
				p.lose(server)
			}
		})
	}
	asking.Wait()
}

// lose notes that a server does not answer. Nobody knows whether it comes back: the one
// that has been gone for longest is forgotten where there are too many.
func (p *peers) lose(server string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.known[server]; !known {
		return
	}
	p.known[server] = time.Now()
	gone, oldest := 0, server
	for other, since := range p.known {
		if since.IsZero() {
			continue
		}
		if gone++; since.Before(p.known[oldest]) {
			oldest = other
		}
	}
	if gone > mostLost {
		delete(p.known, oldest)
	}
}

// others are the servers that may answer.
func (p *peers) others() (servers []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for server, lost := range p.known {
		if lost.IsZero() {
			servers = append(servers, server)
		}
	}
	return servers
}

// beat greets and asks as long as the transport is there.
func (p *peers) beat(ctx context.Context) {
	ticker := time.NewTicker(p.transport.options.Heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p.ask(ctx)
			_ = p.greet(ctx, greeting) // fails without a connection: whoever returns greets
		case <-ctx.Done():
			return
		}
	}
}
