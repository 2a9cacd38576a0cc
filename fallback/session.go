package fallback

import (
	"context"
	"sync"
	"time"

	"github.com/parleygo/parley"
)

// session is a client that has no socket. To its consumer it is a conn like any
// other; requests come and go and attach to it. It lives as long as one is
// attached, and for a lease after.
type session struct {
	app    *App
	id     string
	ctx    context.Context
	cancel context.CancelCauseFunc
	lease  *time.Timer

	mu        sync.Mutex
	changed   chan struct{} // closed at the next change, made by who waits
	connected bool          // the consumer has received the handshake
	announced bool          // a poll has told the client the session's id
	accept    *parley.WebSocketAccept
	deny      *parley.WebSocketDeny
	in        []parley.WebSocketReceive
	out       outgoing
	said      *parley.WebSocketClose      // the goodbye that the client is to hear
	gone      *parley.WebSocketDisconnect // what the consumer receives last
	over      bool                        // the consumer has returned
	failed    error                       // what it returned

	attached *attachment // the request that receives
}

// attachment is one request's hold on a session. Another request takes it over.
type attachment struct{ taken bool }

// update changes the state and wakes who waits.
func (s *session) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// until calls try, under the lock, until it reports true, ctx ends, or there was
// a tick. A state that is there wins.
func (s *session) until(ctx context.Context, tick <-chan time.Time, try func() bool) error {
	for {
		s.mu.Lock()
		done := try()
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		if done {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		select {
		case <-changed:
		case <-ctx.Done():
		case <-tick:
			return nil
		}
	}
}

// attach makes this request the one that receives. What was handed out up to
// cursor has arrived. ok is false if something after it is not there any more.
func (s *session) attach(cursor uint64) (a *attachment, ok bool) {
	a = new(attachment)
	s.update(func() {
		if ok = s.out.seek(cursor); !ok {
			return
		}
		if s.attached != nil {
			s.attached.taken = true
		}
		s.attached = a
		s.lease.Stop()
	})
	return a, ok
}

// detach begins the lease, unless another request has taken over.
func (s *session) detach(a *attachment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attached == a {
		s.attached = nil
		s.lease.Reset(s.app.options.Lease)
	}
}

// expire ends a session whose client has not come back.
func (s *session) expire() {
	s.mu.Lock()
	kept := s.attached != nil
	s.mu.Unlock()
	if !kept {
		s.end(parley.WebSocketDisconnect{Code: parley.CloseAbnormal, Cause: parley.ErrDisconnected})
		s.app.sessions.remove(s)
	}
}

// end is how the client, or the process, ends the session.
func (s *session) end(how parley.WebSocketDisconnect) {
	s.update(func() { s.finish(how, parley.WebSocketClose{Code: how.Code}) })
}

// finish settles how the session ends, once. The caller holds mu.
func (s *session) finish(how parley.WebSocketDisconnect, said parley.WebSocketClose) {
	if s.gone == nil {
		s.gone, s.said = &how, &said
		s.cancel(how.Cause)
	}
}

// push brings a message of the client, and waits while the consumer is behind.
func (s *session) push(ctx context.Context, message parley.WebSocketReceive) error {
	var err error
	waited := s.until(ctx, nil, func() bool {
		switch {
		case s.gone != nil:
			err = parley.ErrClosed
		case len(s.in) < maxIncoming:
			s.in = append(s.in, message)
		default:
			return false
		}
		return true
	})
	if waited != nil {
		return waited
	}
	if err == nil {
		s.update(func() {})
	}
	return err
}

const maxIncoming = 32
