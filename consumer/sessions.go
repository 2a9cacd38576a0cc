package consumer

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

// Fallback sets the limits of clients that come by plain HTTP.
type Fallback struct {
	// Lease is how long a session waits for its client to come back, between
	// two polls or after a stream was lost. Then the consumer is told 1006.
	// Default 15 s.
	Lease time.Duration

	// PollTimeout is how long a poll without news is held. Default 25 s.
	PollTimeout time.Duration

	// Heartbeat is the silence after which a stream gets a comment. Default
	// 15 s.
	Heartbeat time.Duration

	// MaxSessions is how many there may be; more are answered with 503.
	// Default 10 000.
	MaxSessions int

	// MaxMessage bounds the body of a POST, in bytes; more is answered with
	// 413. Default 1 MiB.
	MaxMessage int64

	// QueueMessages and QueueBytes bound what waits for the client to fetch
	// it. Defaults 256 messages and 1 MiB.
	QueueMessages int
	QueueBytes    int
}

func (f Fallback) withDefaults() Fallback {
	setDefault(&f.Lease, 15*time.Second)
	setDefault(&f.PollTimeout, 25*time.Second)
	setDefault(&f.Heartbeat, defaultHeartbeat)
	setDefault(&f.MaxSessions, 10_000)
	setDefault(&f.MaxMessage, 1<<20)
	setDefault(&f.QueueMessages, 256)
	setDefault(&f.QueueBytes, 1<<20)
	return f
}

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

var errTooMany = fmt.Errorf("consumer: too many sessions: %w", parley.ErrDraining) // 503

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
	case len(l.byID) >= l.app.Fallback.MaxSessions:
		return nil, errTooMany
	}
	if l.byID == nil {
		l.byID = make(map[string]*session)
	}
	l.byID[s.id] = s
	l.alive++
	s.lease = time.AfterFunc(l.app.Fallback.Lease, s.expire)
	go s.serve(scope)
	return s, nil
}

// serve runs the consumer. There is no adapter above that would deal with how it
// ends.
func (s *session) serve(scope *parley.Scope) {
	err := errors.New("consumer: goroutine exited")
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("%w: %v", parley.ErrAppPanic, value)
			s.app.Logger.Error("parley: app panicked", "protocol", "session", "panic", value, "stack", string(debug.Stack()))
		}
		s.served(err)
	}()
	err = s.app.Serve(s.ctx, scope, s)
}

// served tells the client how the consumer has ended, for as long as the lease.
func (s *session) served(err error) {
	if err != nil && !errors.Is(err, parley.ErrDisconnected) && !errors.Is(err, parley.ErrAppPanic) {
		s.app.Logger.Error("parley: app failed", "protocol", "session", "error", err)
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
