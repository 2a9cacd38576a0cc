package channeltest

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
)

// RunJobs proves what channel.Jobs promises. Each call of connect returns a new
// transport; all of them reach each other. The suite closes them.
func RunJobs(t *testing.T, connect func(t *testing.T) channel.Transport) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, one, other jobs)
	}{
		{"EachJobHasOneTaker", eachJobHasOneTaker},
		{"OldestFirst", oldestFirst},
		{"TakeWaits", takeWaits},
		{"Retry", retryJob},
		{"TakenOver", takenOver},
		{"HoldKeeps", holdKeeps},
		{"TakeEndsWithItsContext", takeEnds},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.run(t, connectJobs(t, connect), connectJobs(t, connect))
		})
	}
}

// jobs is a transport with jobs of one subject.
type jobs struct {
	channel.Jobs
	t       *testing.T
	subject string
}

func connectJobs(t *testing.T, connect func(t *testing.T) channel.Transport) jobs {
	transport := connect(t)
	t.Cleanup(func() {
		if err := transport.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	all, ok := transport.(channel.Jobs)
	if !ok {
		t.Fatalf("%T is no channel.Jobs", transport)
	}
	return jobs{all, t, "jobs." + path.Base(t.Name())}
}

func (j jobs) enqueue(payloads ...string) {
	j.t.Helper()
	for _, payload := range payloads {
		if err := j.Enqueue(patient(j.t), j.subject, []byte(payload)); err != nil {
			j.t.Fatal(err)
		}
	}
}

// take takes one job, which is held for so long.
func (j jobs) take(hold time.Duration, want string, takes int) channel.Held {
	j.t.Helper()
	all, err := j.Take(patient(j.t), j.subject, 1, hold)
	if err != nil || len(all) != 1 {
		j.t.Fatalf("took %d, %v", len(all), err)
	}
	if string(all[0].Payload) != want || all[0].Takes != takes {
		j.t.Fatalf("took %s for the %d. time, want %s, %d", all[0].Payload, all[0].Takes, want, takes)
	}
	return all[0]
}

// nothing fails if there is something to take.
func (j jobs) nothing() {
	j.t.Helper()
	ctx, cancel := context.WithTimeout(j.t.Context(), 50*time.Millisecond)
	defer cancel()
	if all, err := j.Take(ctx, j.subject, 1, time.Minute); err == nil {
		j.t.Errorf("took %s", all[0].Payload)
	}
}

func (j jobs) check(err error) {
	j.t.Helper()
	if err != nil {
		j.t.Error(err)
	}
}

// each takes so many jobs at a time until ctx ends, and is done with each before do.
func (j jobs) each(ctx context.Context, limit int, do func(job channel.Held)) {
	for {
		all, err := j.Take(ctx, j.subject, limit, time.Minute)
		if err != nil {
			return
		}
		for _, job := range all {
			j.check(j.Done(context.WithoutCancel(ctx), j.subject, job))
			do(job)
		}
	}
}

func eachJobHasOneTaker(t *testing.T, one, other jobs) {
	const count = 200
	var mu sync.Mutex
	seen := make(map[string]int)
	ctx, cancel := context.WithCancel(patient(t))
	defer cancel()
	var taking sync.WaitGroup
	for i, taker := range []jobs{one, other, one, other} {
		taking.Go(func() {
			taker.each(ctx, i+1, func(job channel.Held) {
				mu.Lock()
				defer mu.Unlock()
				if seen[string(job.Payload)] += job.Takes; len(seen) == count {
					cancel()
				}
			})
		})
	}
	for i := range count {
		one.enqueue(fmt.Sprint(i))
	}
	taking.Wait()
	for payload, takes := range seen {
		if takes != 1 {
			t.Errorf("%s was taken %d times", payload, takes)
		}
	}
	if len(seen) != count {
		t.Errorf("%d of %d", len(seen), count)
	}
	one.nothing()
}

func oldestFirst(t *testing.T, one, other jobs) {
	want := []string{"", "b", "c", string([]byte{0, 255, '\r', '\n'}), "e"}
	one.enqueue(want...)
	var got []string
	for len(got) < len(want) {
		all, err := other.Take(patient(t), other.subject, 2, time.Minute)
		if err != nil || len(all) == 0 || len(all) > 2 {
			t.Fatalf("took %d, %v", len(all), err)
		}
		for _, job := range all {
			got = append(got, string(job.Payload))
			other.check(other.Done(patient(t), other.subject, job))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("took %q", got)
	}
}

func takeWaits(t *testing.T, one, other jobs) {
	one.nothing()
	ctx, enqueued := patient(t), make(chan error, 1)
	time.AfterFunc(20*time.Millisecond, func() {
		enqueued <- one.Enqueue(ctx, one.subject, []byte("late"))
	})
	other.take(time.Minute, "late", 1)
	other.check(<-enqueued)
}

func retryJob(t *testing.T, one, other jobs) {
	one.enqueue("a", "b")
	a := one.take(time.Minute, "a", 1)
	one.check(one.Retry(patient(t), one.subject, a, time.Minute))
	b := other.take(time.Minute, "b", 1) // a pauses
	other.check(other.Retry(patient(t), one.subject, b, 100*time.Millisecond))
	b = one.take(time.Minute, "b", 2)
	one.check(one.Retry(patient(t), one.subject, b, 0))
	other.check(other.Done(patient(t), one.subject, other.take(time.Minute, "b", 3)))
	one.nothing()
}

// takenOver: who was silent for too long has no say any more.
func takenOver(t *testing.T, one, other jobs) {
	one.enqueue("a")
	first := one.take(50*time.Millisecond, "a", 1)
	second := other.take(time.Minute, "a", 2)
	for _, err := range []error{
		one.Done(patient(t), one.subject, first),
		one.Hold(patient(t), one.subject, first, 0),
		one.Retry(patient(t), one.subject, first, 0),
	} {
		if err != nil && !errors.Is(err, channel.ErrNotHeld) {
			t.Error(err)
		}
	}
	one.nothing() // it is the second's
	other.check(other.Done(patient(t), other.subject, second))
	if err := other.Done(patient(t), other.subject, second); err != nil &&
		!errors.Is(err, channel.ErrNotHeld) {
		t.Error(err)
	}
	one.nothing()
}

func holdKeeps(t *testing.T, one, other jobs) {
	one.enqueue("a")
	const hold = 5 * time.Second // in which a loaded machine gets to the next command
	job := one.take(hold, "a", 1)
	for began := time.Now(); time.Since(began) < hold+hold/4; {
		one.check(one.Hold(patient(t), one.subject, job, time.Minute))
		other.nothing()
	}
	one.check(one.Hold(patient(t), one.subject, job, 50*time.Millisecond))
	other.take(time.Minute, "a", 2) // when it is held no longer
}

func takeEnds(t *testing.T, one, _ jobs) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := one.Take(ctx, one.subject, 1, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("take: %v", err)
	}
	if err := one.Enqueue(ctx, one.subject, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("enqueue: %v", err)
	}
}
