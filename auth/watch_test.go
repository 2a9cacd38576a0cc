package auth

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
)

// TestClockIsSet: an identity ends at its time of day, whatever the clock is set to before,
// and whether timers have stood still while the machine slept.
func TestClockIsSet(t *testing.T) {
	const never = 24 * time.Hour
	for _, test := range []struct {
		name     string
		expires  time.Duration // zero: never
		ahead    time.Duration // what the clock is set to after ten minutes
		from, to time.Duration // when it ends
	}{
		{"not at all", time.Hour, 0, time.Hour, time.Hour},
		{"an hour forward", 30 * time.Minute, time.Hour, 10 * time.Minute, 11 * time.Minute},
		{"a little forward", time.Hour, 5 * time.Minute, 55 * time.Minute, 55 * time.Minute},
		{"an hour back", 30 * time.Minute, -time.Hour, 90 * time.Minute, 90 * time.Minute},
		{"back behind its end", 11 * time.Minute, -time.Minute, 12 * time.Minute, 12 * time.Minute},
		{"forward, never expires", 0, time.Hour, never, never},
		{"expired before", -time.Second, 0, 0, 0},
		{"after 292 years", 1<<63 - 1, time.Hour, never, never},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, ahead := time.Now(), time.Duration(0)
				timeUntil = func(at time.Time) time.Duration { return time.Until(at) - ahead }
				defer func() { timeUntil = time.Until }()
				ended := make(chan error, 1)
				w := &watch{end: func(cause error) { ended <- cause }, stop: func() {}}
				defer w.close()
				var expires time.Time
				if test.expires != 0 {
					expires = start.Add(test.expires)
				}
				w.until(expires)
				time.AfterFunc(10*time.Minute, func() {
					w.mu.Lock()
					defer w.mu.Unlock()
					ahead = test.ahead
				})
				took := never
				select {
				case cause := <-ended:
					took = time.Since(start)
					if cause != parley.ErrAuthExpired {
						t.Errorf("ended for %v", cause)
					}
				case <-time.After(never):
				}
				if took < test.from || took > test.to {
					t.Errorf("ended after %v, want %v to %v", took, test.from, test.to)
				}
			})
		})
	}
}

// TestTooLateToRenew: once it is found that an identity has expired nobody is told that they
// are renewed, though they have not been ended yet.
func TestTooLateToRenew(t *testing.T) {
	w := &watch{end: func(error) { t.Error("ended by nobody") }, stop: func() {}}
	defer w.close()
	w.expires = time.Now()
	if !w.expire() {
		t.Error("it has not expired")
	}
	if w.until(time.Now().Add(time.Hour)) || w.expire() {
		t.Error("renewed after its end")
	}
}

// TestExpiryIsATimeOfDay: an app makes it from time.Now, with a clock that nobody sets and
// that stands still while a machine sleeps.
func TestExpiryIsATimeOfDay(t *testing.T) {
	w := &watch{end: func(error) {}, stop: func() {}}
	defer w.close()
	w.until(time.Now().Add(time.Hour))
	if kept := w.expires.String(); kept != w.expires.Round(0).String() {
		t.Errorf("kept is %s", kept)
	}
}

// TestRenewedAfterAnotherLogin: it is the session of today's login whose logout counts.
func TestRenewedAfterAnotherLogin(t *testing.T) {
	before := Identity{ID: "ann", session: "old"}
	v := &visitor{identity: &Identity{ID: "ann", session: "new"}}
	if err := v.renew(&before, &Identity{ID: "ann"}); err != nil || v.identity.session != "new" {
		t.Errorf("session %q, %v", v.identity.session, err)
	}
}

// TestRenewedBesideTheClock: a renewal counts from when it is made, also where the timer
// has just gone off.
func TestRenewedBesideTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		w := &watch{end: func(cause error) { ended <- cause }, stop: func() {}}
		start := time.Now()
		w.until(start.Add(90 * time.Second))
		time.Sleep(time.Minute) // the clock is looked at
		for _, life := range []time.Duration{0, 2 * time.Minute, time.Hour} {
			var expires time.Time
			if life > 0 {
				expires = time.Now().Add(life)
			}
			if !w.until(expires) {
				t.Fatal("it has ended")
			}
			time.Sleep(time.Minute)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		select {
		case <-ended:
			if took := time.Since(start); took != 63*time.Minute {
				t.Errorf("ended after %v", took)
			}
		case <-ctx.Done():
			t.Error("it goes on")
		}
		if w.until(time.Now().Add(time.Hour)) {
			t.Error("renewed after its end")
		}
	})
}
