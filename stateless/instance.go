package stateless

import (
	"container/list"
	"context"
	"errors"
	"fmt"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/usercode"
)

// instance is the app at work for one name: its conversation. The server's mutex guards all
// that is not set when it is made or begins.
type instance struct {
	server *Server
	name   string
	wake   chan struct{}
	begun  chan struct{} // closed when it has a place, or never will have
	ctx    context.Context
	cancel context.CancelCauseFunc

	place   *list.Element // among the server's alive, or in its line
	unread  []*delivery
	inHand  *delivery // received, and not dealt with
	alive   bool
	took    bool // has received something
	idle    bool // waits for an event
	stopped bool
	refused error // why it never began

	delivers int // calls of Deliver by it that wait for a place

	waits, delivering bool // as the server has counted it
}

// self is the key of the instance in its ctx.
type self struct{}

func (s *Server) newInstance(name string) *instance {
	i := &instance{
		server: s, name: name, wake: make(chan struct{}, 1), begun: make(chan struct{}),
	}
	s.named[name] = i
	return i
}

func (i *instance) rouse() {
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

// Receive gives the next event: so the one before was dealt with. Once the instance was
// told to stop it gives the end, for ever.
func (i *instance) Receive(ctx context.Context) (parley.Event, error) {
	for {
		if event := i.take(); event != nil {
			return event, nil
		}
		select {
		case <-i.wake:
		case <-i.ctx.Done():
		case <-ctx.Done():
			if i.ctx.Err() == nil {
				i.leave()
				return nil, context.Cause(ctx)
			}
		}
	}
}

func (i *instance) take() parley.Event {
	i.server.mu.Lock()
	defer i.server.mu.Unlock()
	i.inHand.tell(nil)
	i.inHand = nil
	if i.ctx.Err() != nil {
		return parley.ChannelDisconnect{Cause: context.Cause(i.ctx)}
	}
	i.idle = len(i.unread) == 0
	i.account()
	if i.idle {
		i.server.fill() // this one could go
		return nil
	}
	i.took, i.inHand = true, i.unread[0]
	i.unread[0] = nil // so that it is garbage as soon as it was dealt with
	i.unread = i.unread[1:]
	return i.inHand.event
}

// leave notes that the app waits for events no more.
func (i *instance) leave() {
	i.server.mu.Lock()
	defer i.server.mu.Unlock()
	i.idle = false
	i.account()
}

// Send hands an event to Options.Send.
func (i *instance) Send(ctx context.Context, event parley.Event) error {
	if i.ctx.Err() != nil {
		return parley.ErrDisconnected
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return i.server.options.Send(ctx, i.name, event)
}

// live is what the instance's goroutine runs.
func (i *instance) live() {
	usercode.Call(func() error {
		scope := &parley.Scope{Protocol: parley.Channel, Channel: i.name}
		return i.server.app.Serve(i.ctx, scope, i)
	}, i.ended)
}

// ended gives on what the instance has left: its place, its events and how it failed.
func (i *instance) ended(err error) {
	s := i.server
	failure := i.failure(err)
	s.mu.Lock()
	hand, lost := i.remains()
	why := context.Cause(i.ctx)
	i.cancel(parley.ErrFinished)
	if failure != nil {
		s.stats.Failed++
	}
	s.fill()
	s.mu.Unlock()
	if told := hand.tell(err); failure != nil && !told {
		s.report(i.name, failure)
	}
	untold := 0
	for _, d := range lost {
		if !d.tell(why) {
			untold++
		}
	}
	if untold > 0 {
		s.report(i.name, fmt.Errorf("stateless: %d events not received: %w", untold, why))
	}
}

// failure returns err unless it is a clean end.
func (i *instance) failure(err error) error {
	switch {
	case errors.Is(err, parley.ErrDisconnected):
		return nil
	case i.ctx.Err() != nil && (errors.Is(err, context.Cause(i.ctx)) || errors.Is(err, i.ctx.Err())):
		return nil
	}
	return err
}

// remains takes the instance out of the accounts. It returns the event that it ended with,
// and those that nobody will receive. The mutex is held.
func (i *instance) remains() (hand *delivery, lost []*delivery) {
	s := i.server
	hand, i.inHand = i.inHand, nil
	if i.stopped {
		delete(s.ending, i.name)
		lost, i.unread = i.unread, nil
		return hand, lost
	}
	if !i.took && len(i.unread) > 0 {
		hand, i.unread = i.unread[0], i.unread[1:]
	}
	if len(i.unread) > 0 {
		s.succeed(i)
		return hand, nil
	}
	s.leave(i)
	delete(s.named, i.name)
	return hand, nil
}
