package fallback_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/parleytest"
)

var silent = slog.New(slog.DiscardHandler)

// A client without a socket sees what one with a socket sees, and so does its app.
func TestConformance(t *testing.T) {
	for name, streams := range transports {
		t.Run(name, func(t *testing.T) { parleytest.Conform(t, wire{streams}) })
	}
}

var transports = map[string]bool{"stream": true, "poll": false}

// wire carries a socket's script by server-sent events, or by long-poll. What it
// can't carry are frames, and requests that are none of a fallback's.
type wire struct{ streams bool }

func (wire) Features() parleytest.Features {
	return parleytest.Features{Drain: true, Sockets: true}
}

func (wire) HTTP(t testing.TB, _ parley.App, _ parleytest.HTTPScript) (seen parleytest.HTTPSeen) {
	t.Error("no HTTP here")
	return seen
}

func (w wire) WebSocket(
	t testing.TB, app parley.App, script parleytest.SocketScript,
) parleytest.SocketSeen {
	served := fallback.New(app, fallback.Options{Lease: time.Second, Logger: silent})
	p := &player{client: client{t: t, app: served, streams: w.streams}}
	p.target = offer(script.Subprotocols...)
	t.Cleanup(func() {
		if err := served.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	p.seen.Code = parley.CloseAbnormal
	p.x = parleytest.Start(t, served, p.get())
	if len(script.Steps) > 0 && script.Steps[0].Do == parleytest.ActVanish {
		p.x.Vanish()
		p.seen.Truncated = true
		return p.seen
	}
	if p.opened() {
		p.play(script.Steps, served)
	}
	return p.seen
}

// player acts out a script.
type player struct {
	client
	seen parleytest.SocketSeen

	mu      sync.Mutex
	changed *sync.Cond
	running *parleytest.Exchange
	leaves  bool // it has vanished
	over    bool
}

// opened reads the answer to the handshake and reports whether it is a yes.
func (p *player) opened() bool {
	p.seen.Status, p.seen.Header = p.x.Status(), p.x.Header()
	if p.seen.Status != 200 {
		got := p.x.Response()
		p.seen.Body, p.seen.Truncated = got.Body, got.Truncated
		return false
	}
	p.keep(p.x.Header())
	p.seen.Status = 101
	p.see(p.next())
	p.seen.Subprotocol = p.protocol
	return true
}

func (p *player) play(steps []parleytest.Step, served *fallback.App) {
	p.changed, p.started = sync.NewCond(&p.mu), p.begun
	if p.streams {
		p.running = p.x
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !p.finished() {
			p.see(p.next())
		}
	}()
	awaited := 0
	for _, step := range steps {
		switch step.Do {
		case parleytest.ActSendText:
			p.post(step.Data)
		case parleytest.ActSendBinary:
			p.postBinary(step.Data)
		case parleytest.ActClose:
			p.goodbye(step.Code, step.Data)
		case parleytest.ActAwait:
			awaited++
			p.await(awaited)
		case parleytest.ActVanish:
			p.vanish()
		case parleytest.ActDrain:
			go func() { _ = served.Close(context.Background()) }()
		}
	}
	<-done
}

func (p *player) see(n news) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen.Messages = append(p.seen.Messages, n.messages...)
	if n.closed != nil {
		p.seen.Code, p.seen.Reason = n.closed.Code, n.closed.Reason
	}
	p.over = p.over || n.gone || n.closed != nil
	if p.changed != nil {
		p.changed.Broadcast()
	}
}

func (p *player) finished() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over || p.leaves
}

func (p *player) await(messages int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.seen.Messages) < messages && !p.over {
		p.changed.Wait()
	}
}

// vanish takes the client away, whatever request it has under way.
func (p *player) vanish() {
	p.mu.Lock()
	p.leaves = true
	x := p.running
	p.mu.Unlock()
	if x != nil {
		x.Vanish()
	}
}

// begun notes the request that is under way.
func (p *player) begun(x *parleytest.Exchange) {
	p.mu.Lock()
	p.running = x
	leaves := p.leaves
	p.mu.Unlock()
	if leaves {
		x.Vanish()
	}
}
