package auth

import (
	"context"
	"sync"
	"time"

	"github.com/parleygo/parley"
)

// watch hears of the end of an identity: its expiry, the logout of its session,
// the revocation of its user.
type watch struct {
	end  func(cause error) // called once, under no lock
	stop func()            // leaves the revocations

	mu    sync.Mutex
	timer *time.Timer
	over  bool // ended, or closed
}

// watch begins one, and then looks at the credentials again: what has ended
// between the first look and the watch is an error, or calls end.
func (v *visitor) watch(ctx context.Context, end func(cause error)) (*watch, error) {
	known, by, err := v.known()
	if err != nil {
		return nil, err
	}
	w := &watch{end: end}
	stop, err := v.guard.options.Revocations.Watch(ctx, known.subjects(), w.ended)
	if err != nil {
		return nil, unavailable("hearing of revocations", err)
	}
	w.stop = stop
	identity, err := v.again(ctx, known, by)
	if err != nil {
		w.close()
		return nil, err
	}
	w.until(identity.Expires)
	return w, nil
}

// until sets the time of the end; zero means never. It reports whether the
// identity holds still.
func (w *watch) until(expires time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return false
	}
	if w.timer != nil {
		w.timer.Stop()
	}
	if !expires.IsZero() {
		w.timer = time.AfterFunc(time.Until(expires), func() { w.ended(parley.ErrAuthExpired) })
	}
	return true
}

func (w *watch) ended(cause error) {
	if w.finish() {
		w.end(cause)
	}
}

func (w *watch) finish() (first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first, w.over = !w.over, true
	if w.timer != nil {
		w.timer.Stop()
	}
	return first
}

// close ends the watch. What has begun to end may go on.
func (w *watch) close() {
	w.finish()
	w.stop()
}
