package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"
)

// denials are what the server has refused, for want of rights or beyond its limits, the
// latest last. It says so to the connection and not to who has asked; nats.go has it
// called back, perhaps after the answer to what was asked next.
type denials struct {
	mu     sync.Mutex
	latest []denial
	count  uint64 // of all there ever were
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

// add remembers an error if it is a denial, and returns which.
func (d *denials) add(err error) (added denial, is bool) {
	added.err = err
	switch {
	case errors.Is(err, natsgo.ErrMaxSubscriptionsExceeded):
		added.what = subscribing
	case !errors.Is(err, natsgo.ErrPermissionViolation):
		return added, false
	default:
		if found := violation.FindStringSubmatch(err.Error()); found != nil {
			added.what, added.subject = strings.ToLower(found[1]), found[2]
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.latest) == mostDenials {
		d.latest = append(d.latest[:0], d.latest[mostDenials/2:]...)
	}
	d.latest = append(d.latest, added)
	d.count++
	return added, true
}

// now returns where a call begins, for what has been denied since.
func (d *denials) now() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

// since returns those from a number on. Of too many the first are forgotten.
func (d *denials) since(from uint64) []denial {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.fresh(from))
}

// fresh is for callers that hold mu.
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
	right := errors.Is(last, natsgo.ErrPermissionViolation)
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

// explained adds to the error of a call without an answer what the server has refused of
// what such calls need: then it does not answer. What leads to answers is asked for once.
func (t *Transport) explained(from uint64, err error) error {
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, natsgo.ErrTimeout) {
		return err
	}
	ever, since := t.denials.since(0), t.denials.since(from)
	for i, d := range ever {
		inbox := strings.HasPrefix(d.subject, cmp.Or(t.conn.Opts.InboxPrefix, natsgo.InboxPrefix))
		if inbox || i >= len(ever)-len(since) && t.keepsAt(d.subject) {
			return fmt.Errorf("%w: %w", d.err, err)
		}
	}
	return err
}

// keepsAt reports whether a subject is one of those that calls use for what is kept.
func (t *Transport) keepsAt(subject string) bool {
	prefix := t.options.Prefix
	return strings.HasPrefix(subject, "$JS.") || strings.HasPrefix(subject, t.bucket.keys()) ||
		strings.HasPrefix(subject, prefix+stored) || strings.HasPrefix(subject, prefix+queued)
}

// revoked has those told whose subscription was ended for a right that was taken away.
func (t *Transport) revoked(d denial) {
	if d.what != subscribing {
		return
	}
	for _, sub := range t.subs.all() {
		if sub.nats.Subject == d.subject {
			t.notices.Missed(sub.subject)
		}
	}
}
