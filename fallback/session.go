package fallback

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/leakguard"
	"github.com/parleygo/parley/internal/options"
	"github.com/parleygo/parley/internal/origin"
	"github.com/parleygo/parley/internal/protocol"
)

// session is a client that has no socket. To its app it is a conn like any other
// (see conn.go); requests come and go and attach to it. It lives as long as one is
// attached, and for a lease after.
type session struct {
	app     *App
	id      string
	owner   owner
	client  string // by which it is counted
	scope   *parley.Scope
	ctx     context.Context
	cancel  context.CancelCauseFunc
	verdict *origin.Verdict // whether a foreign page may open it; nil: it is none
	unwatch func()          // ends the watch over its owner
	turn    chan struct{}   // held by the one request that brings a message
	posts   atomic.Int32    // requests that bring one, or wait for their turn

	facts facts
	head  int // bytes of the handshake that are kept

	listed, runs bool // the registry's

	mu        sync.Mutex
	changed   chan struct{} // closed at the next change, made by who waits
	overdue   leakguard.Watch
	order     protocol.WebSocket
	connected bool                    // the app has received the handshake
	awaited   bool                    // the request that opened it waits for the app's answer
	accept    *parley.WebSocketAccept // what it was, if it was yes
	denial    denial
	in        incoming
	out       outgoing
	dropped   bool                        // what was in out, for a client that does not read
	gone      *parley.WebSocketDisconnect // what the app receives last
	said      *goodbye                    // what the client hears last; nil though gone: nothing
	aborted   bool                        // the app has cut the connection, as far as there is one
	over      bool                        // the app has returned
	failed    error                       // what it returned
	announced bool                        // a poll has told the client the session's id
	beats     bool                        // pings are not for the app

	heard  uint64 // the number of the last message that the client has numbered
	weight int    // what is accounted for of head, in and out
	freed  bool   // nothing is, any more

	attached *attachment // the request that receives
	lease    *time.Timer
}

// update changes the state and wakes who waits.
func (s *session) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	s.wake()
}

// wake wakes who waits for a change. The caller holds mu.
func (s *session) wake() {
	s.weigh()
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// until calls try, under the lock, until it reports true, ctx ends, or there was
// a tick. A state that is there wins. What try changes itself it has to tell.
func (s *session) until(ctx context.Context, tick <-chan time.Time, try func() bool) error {
	for {
		s.mu.Lock()
		if try() {
			s.mu.Unlock()
			return nil
		}
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
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

// end is how the client or the process ends the session: the app's last event, of
// which the client is told the code.
func (s *session) end(how parley.WebSocketDisconnect) {
	s.update(func() { s.finish(how, &goodbye{Code: how.Code}) })
}

// fail ends the session for a reason of ours, with the code that goes with it.
func (s *session) fail(cause error) {
	s.end(parley.WebSocketDisconnect{Code: parley.CodeOf(cause), Cause: cause})
}

// finish settles how the session ends, once. The caller holds mu.
func (s *session) finish(how parley.WebSocketDisconnect, said *goodbye) {
	if s.gone == nil {
		s.gone, s.said = &how, said
		s.order.Disconnect()
	}
	s.cancel(how.Cause) // of a client that was denied, too
	if guard := &s.app.leaks; options.Limited(guard.After) {
		s.overdue.Ended(guard.After, s.reportLeak)
	}
}

// lose ends the session of a client that is gone.
func (s *session) lose() {
	s.update(s.lost)
	s.app.sessions.unlist(s)
}

// lost is lose's part that needs mu.
func (s *session) lost() {
	how := parley.WebSocketDisconnect{Code: parley.CloseAbnormal, Cause: parley.ErrDisconnected}
	s.finish(how, nil)
}

// revoke ends the session with the identity that it belongs to. What its client
// has sent and the app has not received is not heard any more.
func (s *session) revoke(cause error) {
	s.update(func() {
		if s.gone == nil {
			s.app.counters.revoked.Add(1)
		}
		s.in.drop()
		code := parley.CodeOf(cause)
		s.finish(parley.WebSocketDisconnect{Code: code, Cause: cause}, &goodbye{Code: code})
	})
}
