package nats

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"
)

// denials are what the server has refused, for want of rights or beyond its limits, the
// latest last. It says so to the connection and not to who has asked; nats.go has it
// called back, perhaps after the answer to what was asked next.
type denials struct {
	mu      sync.Mutex
	latest  []denial
	count   uint64 // of all there ever were
	waiting map[*waiter]struct{}
	answers error // if answers cannot come, until the connection breaks
}

// waiter is a call that has asked by publishing to a subject.
type waiter struct {
	subject string
	all     bool // that begin with it
	fail    context.CancelCauseFunc
}

type denial struct {
	what, subject string // of a limit the subject is not known
	err           error
}

const (
	publishing  = "publish"
	subscribing = "subscription"

	mostDenials = 8192 // so many are remembered

	late = 200 * time.Millisecond // by which a callback may come behind an answer
)

var violation = regexp.MustCompile(`(?i)violation for (publish|subscription) .*?"(\S+)"`)

func denied(err error) bool { return errors.Is(err, natsgo.ErrPermissionViolation) }

// denialOf reads an error, and reports whether it is a denial.
func denialOf(err error) (d denial, is bool) {
	d.err = err
	if errors.Is(err, natsgo.ErrMaxSubscriptionsExceeded) {
		d.what = subscribing
	} else if !denied(err) {
		return d, false
	} else if found := violation.FindStringSubmatch(err.Error()); found != nil {
		d.what, d.subject = strings.ToLower(found[1]), found[2]
	}
	return d, true
}

// add remembers a denial. Those who wait for an answer that will not come wait no longer.
// Answers come to subjects that begin with inbox.
func (d *denials) add(added denial, inbox string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.latest) == mostDenials {
		d.latest = append(d.latest[:0], d.latest[mostDenials/2:]...)
	}
	d.latest = append(d.latest, added)
	d.count++
	d.fail(added, inbox)
}

// fail is for callers that hold mu.
func (d *denials) fail(added denial, inbox string) {
	unanswered := added.what == subscribing && strings.HasPrefix(added.subject, inbox)
	if unanswered {
		d.answers = added.err
	}
	for w := range d.waiting {
		if unanswered || added.what == publishing && (added.subject == w.subject ||
			w.all && strings.HasPrefix(added.subject, w.subject)) {
			w.fail(added.err)
		}
	}
}

// watch returns a ctx that ends when the server refuses what is published to a subject, or
// to all that begin with it, or does not allow answers.
func (d *denials) watch(
	ctx context.Context, subject string, all bool,
) (watched context.Context, stop func()) {
	watched, cancel := context.WithCancelCause(ctx)
	w := &waiter{subject, all, cancel}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.answers != nil {
		cancel(d.answers)
	}
	if d.waiting == nil {
		d.waiting = make(map[*waiter]struct{})
	}
	d.waiting[w] = struct{}{}
	return watched, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.waiting, w)
		cancel(nil)
	}
}

// disconnected: the next connection asks for answers anew.
func (d *denials) disconnected() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answers = nil
}

// now returns where a call begins, for what has been denied since.
func (d *denials) now() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

// fresh returns those from a number on. Of too many the first are forgotten. It is for
// callers that hold mu.
func (d *denials) fresh(from uint64) []denial {
	fresh := int(min(d.count-from, uint64(len(d.latest))))
	return d.latest[len(d.latest)-fresh:]
}

// of returns the error of a call among those from a number on, and whether last is one
// that was added.
func (d *denials) of(from uint64, what, subject string, last error) (has bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, one := range d.fresh(from) {
		if one.what == what && (one.subject == subject || one.subject == "") {
			return true, one.err
		}
	}
	for i := len(d.latest) - 1; i >= 0 && !has; i-- {
		has = d.latest[i].err == last
	}
	return has, nil
}

// refused returns the error of what the server does not allow, if it has said so since a
// call began that has had its answer.
func (t *Transport) refused(from uint64, what, wire string) error {
	last, patience := t.conn.LastError(), t.options.Timeout
	right := denied(last)
	if errors.Is(last, natsgo.ErrMaxSubscriptionsExceeded) && what == subscribing {
		patience = late // it may be an old one
	} else if !right {
		return nil
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		has, err := t.denials.of(from, what, wire, last)
		if err != nil {
			return t.failed(err)
		}
		if has && right { // it was of another
			return nil
		}
	}
	return nil
}
