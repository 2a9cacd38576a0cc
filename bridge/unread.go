package bridge

import (
	"errors"
	"log/slog"
	"runtime"
	"sync/atomic"

	"github.com/parleygo/parley"
)

// unread remembers the failure of a call that nobody waited for when it ended. If its Future is garbage before
// anybody read it, the failure goes to Options.Unobserved.
type unread struct {
	err  error
	tell func(error)
	seen atomic.Bool
}

func (b *Bridge) watchUnread(j *job, err error) *unread {
	u := &unread{err: err, tell: b.opts.Unobserved}
	runtime.AddCleanup(j, (*unread).report, u)
	return u
}

func (u *unread) report() {
	if !u.seen.Load() {
		u.tell(u.err)
	}
}

func asPanic(err error) *parley.PanicError {
	var p *parley.PanicError
	errors.As(err, &p)
	return p
}

func logUnobserved(err error) {
	args := []any{"error", err}
	if p := asPanic(err); p != nil {
		args = append(args, "stack", string(p.Stack))
	}
	slog.Default().Error("bridge: a call failed and nobody waited for it", args...)
}
