package fallback

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/parleygo/parley"
)

// sessions are those of one App.
type sessions struct {
	app *App

	mu     sync.Mutex
	byID   map[string]*session
	closed bool
	idle   chan struct{} // closed when the last consumer has returned
	alive  int
}

func (l *sessions) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.alive
}

func (l *sessions) find(id string) *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byID[id]
}

func (l *sessions) remove(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.byID, s.id)
}

var errTooMany = fmt.Errorf("fallback: too many sessions: %w", parley.ErrDraining) // 503

// open starts a session. Its consumer outlives the request, and so does what it
// keeps of it: the values of the context and the head of the request.
func (l *sessions) open(ctx context.Context, scope *parley.Scope) (*session, error) {
	scope = scope.Clone()
	scope.Request.Body = http.NoBody
	scope.Protocol = parley.WebSocket // for all that its consumer can tell
	s := &session{app: l.app, id: rand.Text()}
	s.ctx, s.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, parley.ErrDraining
	case len(l.byID) >= l.app.options.MaxSessions:
		return nil, errTooMany
	}
	if l.byID == nil {
		l.byID = make(map[string]*session)
	}
	l.byID[s.id] = s
	l.alive++
	s.lease = time.AfterFunc(l.app.options.Lease, s.expire)
	go s.serve(scope)
	return s, nil
}

// serve runs the consumer. There is no adapter above that would deal with how it
// ends.
func (s *session) serve(scope *parley.Scope) {
	err := errors.New("fallback: goroutine exited")
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("%w: %v", parley.ErrAppPanic, value)
			s.app.options.Logger.Error("parley: app panicked", "protocol", "session", "panic", value, "stack", string(debug.Stack()))
		}
		s.served(err)
	}()
	err = s.app.app.Serve(s.ctx, scope, s)
}

// served tells the client how the consumer has ended, for as long as the lease.
func (s *session) served(err error) {
	if err != nil && !errors.Is(err, parley.ErrDisconnected) && !errors.Is(err, parley.ErrAppPanic) {
		s.app.options.Logger.Error("parley: app failed", "protocol", "session", "error", err)
	}
	code := parley.CodeOf(err)
	if !code.Sendable() {
		code = parley.CloseNormal
	}
	unknown := false
	s.update(func() {
		s.over, s.failed = true, err
		how := parley.WebSocketDisconnect{Code: code, Cause: parley.ErrFinished}
		s.finish(how, parley.WebSocketClose{Code: code, Reason: reasonOf(err)})
		unknown = s.accept == nil
	})
	if unknown { // to any client
		s.lease.Stop()
		s.app.sessions.remove(s)
	}
	s.app.sessions.left()
}

func (l *sessions) left() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alive--
	if l.alive == 0 && l.idle != nil {
		close(l.idle)
		l.idle = nil
	}
}

// Close ends the sessions of clients that came by plain HTTP, with 1012, and
// waits for their consumers until ctx ends, whose cause it returns then. New
// ones are answered with 503. WebSockets are the adapter's: it drains them. A
// Lifespan's shutdown does the same.
func (a *App) Close(ctx context.Context) error {
	l := &a.sessions
	l.mu.Lock()
	l.closed = true
	list := make([]*session, 0, len(l.byID))
	for _, s := range l.byID {
		list = append(list, s)
	}
	clear(l.byID)
	var idle chan struct{}
	if l.alive > 0 {
		if l.idle == nil {
			l.idle = make(chan struct{})
		}
		idle = l.idle
	}
	l.mu.Unlock()
	for _, s := range list {
		s.lease.Stop()
		s.end(parley.WebSocketDisconnect{Code: parley.CloseServiceRestart, Cause: parley.ErrDraining})
	}
	if idle == nil {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
