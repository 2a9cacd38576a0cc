package channel

import (
	"context"
	"slices"
	"strconv"
	"time"
)

// jobQueue is the jobs of one subject at a Broker, the oldest first.
type jobQueue struct {
	jobs    []*job
	last    int
	changed chan struct{} // closed, and replaced, when there may be something to take
}

type job struct {
	id      int
	takes   int
	due     time.Time // when it may be taken
	payload []byte
}

func (j *job) held() Held { return Held{strconv.Itoa(j.id), j.takes, j.payload} }

// queued calls do with the broker locked and the jobs of a subject.
func (m *memory) queued(ctx context.Context, subject string, do func(q *jobQueue) error) error {
	return m.locked(ctx, func(b *Broker) error {
		q := b.jobs[subject]
		if q == nil {
			if b.jobs == nil {
				b.jobs = make(map[string]*jobQueue)
			}
			q = &jobQueue{changed: make(chan struct{})}
			b.jobs[subject] = q
		}
		return do(q)
	})
}

// change wakes those who wait.
func (q *jobQueue) change() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// Enqueue implements Jobs.
func (m *memory) Enqueue(ctx context.Context, subject string, payload []byte) error {
	return m.queued(ctx, subject, func(q *jobQueue) error {
		q.last++
		q.jobs = append(q.jobs, &job{id: q.last, due: time.Now(), payload: payload})
		q.change()
		return nil
	})
}

// Take implements Jobs.
func (m *memory) Take(
	ctx context.Context, subject string, limit int, hold time.Duration,
) (taken []Held, err error) {
	for {
		var changed <-chan struct{}
		wait := time.Duration(1<<63 - 1)
		err := m.queued(ctx, subject, func(q *jobQueue) error {
			changed = q.changed
			taken, wait = q.take(limit, hold)
			return nil
		})
		if err != nil || len(taken) > 0 {
			return taken, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// take takes what is due, and says for how long there is nothing.
func (q *jobQueue) take(limit int, hold time.Duration) (taken []Held, wait time.Duration) {
	now, wait := time.Now(), time.Duration(1<<63-1)
	for _, j := range q.jobs {
		if until := j.due.Sub(now); until > 0 {
			wait = min(wait, until)
		} else if len(taken) < limit {
			j.takes++
			j.due = now.Add(hold)
			taken = append(taken, j.held())
		}
	}
	return taken, wait
}

// ours calls do with a job that is still the caller's.
func (m *memory) ours(
	ctx context.Context, subject string, held Held, do func(q *jobQueue, at int),
) error {
	return m.queued(ctx, subject, func(q *jobQueue) error {
		at := slices.IndexFunc(q.jobs, func(j *job) bool {
			return j.takes == held.Takes && strconv.Itoa(j.id) == held.ID
		})
		if at < 0 {
			return ErrNotHeld
		}
		do(q, at)
		return nil
	})
}

// Hold implements Jobs.
func (m *memory) Hold(
	ctx context.Context, subject string, held Held, hold time.Duration,
) error {
	return m.ours(ctx, subject, held, func(q *jobQueue, at int) {
		q.jobs[at].due = time.Now().Add(hold)
	})
}

// Done implements Jobs.
func (m *memory) Done(ctx context.Context, subject string, held Held) error {
	return m.ours(ctx, subject, held, func(q *jobQueue, at int) {
		q.jobs = slices.Delete(q.jobs, at, at+1)
	})
}

// Retry implements Jobs.
func (m *memory) Retry(
	ctx context.Context, subject string, held Held, pause time.Duration,
) error {
	return m.ours(ctx, subject, held, func(q *jobQueue, at int) {
		q.jobs[at].due = time.Now().Add(pause)
		q.change()
	})
}
