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

	mu      sync.Mutex
	expires time.Time // zero means never
	timer   *time.Timer
	over    bool // ended, or closed
}

// clockPause is how long nobody looks at the clock. It may be set meanwhile, and timers
// stand still while a machine sleeps: an expiry is a time of day, and no duration.
const clockPause = time.Minute

var timeUntil = time.Until // tests set the clock

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
	w.expires = expires.Round(0) // without the clock that stands still in a sleep
	if w.timer == nil && !expires.IsZero() {
		w.timer = time.AfterFunc(clockPause, w.look)
	}
	w.arm()
	return true
}

// arm has somebody look at the clock when the identity expires, and before. The caller
// holds mu.
func (w *watch) arm() {
	switch {
	case w.timer == nil:
	case w.expires.IsZero():
		w.timer.Stop()
	default:
		w.timer.Reset(min(timeUntil(w.expires), clockPause))
	}
}

// look looks at the clock.
func (w *watch) look() {
	if w.expire() {
		w.end(parley.ErrAuthExpired)
	}
}

// expire ends the watch if it is time, and reports whether it did. Whoever renews comes
// before that or is too late.
func (w *watch) expire() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.over:
		return false
	case w.expires.IsZero(), timeUntil(w.expires) > 0:
		w.arm()
		return false
	}
	w.over = true
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
