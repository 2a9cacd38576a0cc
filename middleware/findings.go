package middleware

import (
	"context"
	"sync"
)

// findings is where middleware below the access log writes down what the log shall
// tell. A nil one takes everything and keeps nothing.
type findings struct {
	mu      sync.Mutex
	user    string
	refusal *Refusal
	cause   error
	taken   bool // another access log below records the conversation
}

type findingsKey struct{}

func findingsOf(ctx context.Context) *findings {
	n, _ := ctx.Value(findingsKey{}).(*findings)
	return n
}

func (n *findings) refused(refusal *Refusal) {
	if n != nil {
		n.mu.Lock()
		n.refusal = refusal
		n.mu.Unlock()
	}
}

func (n *findings) ended(cause error) {
	if n != nil {
		n.mu.Lock()
		n.cause = cause
		n.mu.Unlock()
	}
}

func (n *findings) identified(user string) {
	if n != nil {
		n.mu.Lock()
		n.user = user
		n.mu.Unlock()
	}
}

func (n *findings) take() {
	if n != nil {
		n.mu.Lock()
		n.taken = true
		n.mu.Unlock()
	}
}

func (n *findings) isTaken() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.taken
}

// LogUser has the access log above tell who the user of the conversation is. It
// is for authentication of your own; package auth calls it.
func LogUser(ctx context.Context, id string) { findingsOf(ctx).identified(id) }

// LogCause has the access log above tell that cause ended the conversation,
// whatever the app below returned.
func LogCause(ctx context.Context, cause error) { findingsOf(ctx).ended(cause) }
