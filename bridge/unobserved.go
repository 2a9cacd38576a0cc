package bridge

import (
	"log/slog"
	"runtime"
	"sync/atomic"

	"github.com/parleygo/parley/internal/logged"
	"github.com/parleygo/parley/internal/usercode"
)

// unobserved remembers the failure of a call that nobody waited for when it ended. If its Future is
// garbage before anybody read it, the failure goes to Options.Unobserved.
type unobserved struct {
	err  error
	tell func(error)
	seen atomic.Bool
}

func (b *Bridge) watchUnread(j *job, err error) *unobserved {
	u := &unobserved{err: err, tell: b.tell}
	runtime.AddCleanup(j, (*unobserved).report, u)
	return u
}

func (u *unobserved) report() {
	if !u.seen.Load() {
		u.tell(u.err)
	}
}

// tell hands a failure to Options.Unobserved, whatever that does. No mutex is held.
func (b *Bridge) tell(failure error) {
	told := usercode.Apart(func() error {
		b.opts.Unobserved(failure)
		return nil
	})
	if told != nil {
		logUnobserved(failure)
		logUnobserved(told)
	}
}

func logUnobserved(err error) {
	logged.Line(slog.Default(), slog.LevelError, "bridge: a failure that nobody waited for",
		logged.Failure(nil, err)...)
}
