package worker_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/router"
	"github.com/parleygo/parley/worker"
)

func newQueue(broker *channel.Broker) (*worker.Queue, channel.Jobs) {
	jobs := broker.Connect().(channel.Jobs)
	return worker.NewQueue(jobs, worker.QueueOptions{}), jobs
}

func enqueue(t *testing.T, queue *worker.Queue, name channel.Name, payload string) {
	t.Helper()
	err := queue.Send(t.Context(), name, channel.NewMessage("job", []byte(payload)))
	if err != nil {
		t.Fatal(err)
	}
}

// B8.1: what becomes of a message that is kept, by what its app makes of it.
func TestDurable(t *testing.T) {
	for _, test := range []struct {
		name    string
		channel channel.Name
		payload string
		fails   int
		err     error
		stats   worker.Stats
	}{
		{"done", "jobs", `{"text":"a"}`, 0, nil, worker.Stats{Done: 1}},
		{"done at last", "jobs", `{"text":"a"}`, 2, errTest, worker.Stats{Done: 1, Retried: 2}},
		{"never done", "jobs", `{"text":"a"}`, 99, errTest, worker.Stats{Retried: 2, Dead: 1}},
		{"panic", "jobs", `{"text":"panic"}`, 0, parley.ErrAppPanic,
			worker.Stats{Retried: 2, Dead: 1}},
		{"exit", "jobs", `{"text":"exit"}`, 0, parley.ErrGoexit, worker.Stats{Retried: 2, Dead: 1}},
		{"rejected", "jobs", `{"text":"a"}`, 99, worker.ErrReject, worker.Stats{Dead: 1}},
		{"not decodable", "jobs", `{`, 0, worker.ErrReject, worker.Stats{Dead: 1}},
		{"B1.18 no route", "other", `{}`, 0, router.ErrNoRoute, worker.Stats{Dead: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var broker channel.Broker
				queue, jobs := newQueue(&broker)
				graves, calls := &graveyard{}, 0
				job := worker.Job(func(_ context.Context, n note) error {
					switch calls++; {
					case n.Text == "panic":
						panic("ouch")
					case n.Text == "exit":
						runtime.Goexit()
					case calls <= test.fails:
						return test.err
					}
					return nil
				})
				enqueue(t, queue, test.channel, test.payload) // nobody listens yet
				w := worker.NewDurable(queue, router.Channels{"jobs": job},
					[]channel.Name{"jobs", "other"},
					worker.Options{Attempts: 3, DeadLetter: graves.take, Logger: silent})
				stop := run(t, w)
				time.Sleep(time.Minute)
				if err := stop(); err != nil || w.Stats() != test.stats {
					t.Errorf("%v, %+v, want %+v", err, w.Stats(), test.stats)
				}
				left(t, jobs, "parley.job."+string(test.channel), "")
				if test.stats.Dead == 0 {
					return
				}
				left(t, jobs, "parley.job."+string(test.channel)+".dead", test.payload)
				if letter := graves.list[0]; !errors.Is(letter.Err, test.err) ||
					letter.Channel != test.channel || string(letter.Message.Payload()) != test.payload {
					t.Errorf("dead letter %+v", letter)
				}
			})
		})
	}
}

// left fails unless there is just this message to take, or none for "".
func left(t *testing.T, jobs channel.Jobs, subject, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	all, err := jobs.Take(ctx, subject, 10, 2*time.Hour)
	if want == "" {
		if err == nil {
			t.Errorf("%s has %q", subject, all[0].Payload)
		}
		return
	}
	if err != nil || len(all) != 1 {
		t.Fatalf("%s has %d, %v", subject, len(all), err)
	}
	parcel, ok := channel.OpenParcel(all[0].Payload)
	if !ok || string(parcel.Message.Payload()) != want {
		t.Errorf("%s has %q", subject, all[0].Payload)
	}
}

// A worker dies with a message: another takes it over, when the time is up and not
// before. A message that kills each is a dead letter in the end.
func TestWorkerDies(t *testing.T) {
	for _, deaths := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			var broker channel.Broker
			queue, jobs := newQueue(&broker)
			enqueue(t, queue, "jobs", "x")
			began := time.Now()
			for range deaths {
				if _, err := jobs.Take(t.Context(), "parley.job.jobs", 1, 30*time.Second); err != nil {
					t.Fatal(err)
				}
			}
			attempt, graves := -1, &graveyard{}
			app := worker.Job(func(_ context.Context, message parley.ChannelReceive) error {
				attempt = message.Attempt
				return nil
			})
			w := worker.NewDurable(queue, app, []channel.Name{"jobs"},
				worker.Options{Attempts: 3, DeadLetter: graves.take, Logger: silent})
			stop := run(t, w)
			for w.Stats().Done+w.Stats().Dead == 0 {
				time.Sleep(100 * time.Millisecond)
			}
			took := time.Since(began).Truncate(time.Second)
			if took != time.Duration(deaths)*30*time.Second {
				t.Errorf("taken over after %v", took)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
			switch {
			case deaths < 3 && attempt != deaths:
				t.Errorf("attempt %d", attempt)
			case deaths == 3 && (attempt != -1 || len(graves.list) != 1 ||
				!errors.Is(graves.list[0].Err, worker.ErrNeverEnded)):
				t.Errorf("attempt %d, %+v", attempt, graves.list)
			}
		})
	}
}

// A job that takes its time is one worker's, though others are idle.
func TestLongJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		queue, _ := newQueue(&broker)
		var calls atomic.Int32
		app := worker.Job(func(context.Context, parley.ChannelReceive) error {
			calls.Add(1)
			time.Sleep(10 * time.Minute)
			return nil
		})
		enqueue(t, queue, "jobs", "x")
		var stops []func() error
		var workers []*worker.Worker
		for range 2 {
			w := worker.NewDurable(queue, app, []channel.Name{"jobs"}, worker.Options{Logger: silent})
			workers = append(workers, w)
			stops = append(stops, run(t, w))
		}
		time.Sleep(time.Hour)
		for _, stop := range stops {
			if err := stop(); err != nil {
				t.Error(err)
			}
		}
		if done := workers[0].Stats().Done + workers[1].Stats().Done; calls.Load() != 1 || done != 1 {
			t.Errorf("%d calls, %d done", calls.Load(), done)
		}
	})
}

// cutOff is a broker that does not answer for some time.
type cutOff struct {
	channel.Jobs
	off atomic.Bool
}

var errAway = errors.New("away")

func (c *cutOff) Take(
	ctx context.Context, subject string, limit int, hold time.Duration,
) ([]channel.Held, error) {
	if c.off.Load() {
		return nil, errAway
	}
	return c.Jobs.Take(ctx, subject, limit, hold)
}

func (c *cutOff) Hold(
	ctx context.Context, subject string, job channel.Held, hold time.Duration,
) error {
	if c.off.Load() {
		return errAway
	}
	return c.Jobs.Hold(ctx, subject, job, hold)
}

func (c *cutOff) Done(ctx context.Context, subject string, job channel.Held) error {
	if c.off.Load() {
		return errAway
	}
	return c.Jobs.Done(ctx, subject, job)
}

// A broker that cannot be told what became of a message does not keep a worker that is
// to end, be it before that or while it is told.
func TestCutOffWorkerEnds(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second, 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var broker channel.Broker
			queue, jobs := newQueue(&broker)
			cut := &cutOff{Jobs: jobs}
			cut.off.Store(true)
			app := worker.Job(func(context.Context, parley.ChannelReceive) error {
				time.Sleep(time.Second)
				return nil
			})
			w := worker.NewDurable(worker.NewQueue(takes{cut}, worker.QueueOptions{}), app,
				[]channel.Name{"jobs"}, worker.Options{Hold: time.Hour, Logger: silent})
			stop := run(t, w)
			enqueue(t, queue, "jobs", "x")
			synctest.Wait()
			time.Sleep(after)
			began := time.Now()
			if err := stop(); err != nil || time.Since(began) > 7*time.Second {
				t.Errorf("after %v: ended with %v in %v", after, err, time.Since(began))
			}
		})
	}
}

// takes is a broker of which only jobs can be had.
type takes struct{ *cutOff }

func (t takes) Take(
	ctx context.Context, subject string, limit int, hold time.Duration,
) ([]channel.Held, error) {
	return t.Jobs.Take(ctx, subject, limit, hold)
}

// A worker that is cut off learns that its message is another's, and goes on when it
// can.
func TestWorkerIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		healthy, jobs := newQueue(&broker)
		cut := &cutOff{Jobs: jobs}
		var causes []error
		app := func(fast bool) parley.App {
			return worker.Job(func(ctx context.Context, _ parley.ChannelReceive) error {
				if !fast {
					<-ctx.Done()
					causes = append(causes, context.Cause(ctx))
				}
				return context.Cause(ctx)
			})
		}
		alone := worker.NewDurable(worker.NewQueue(cut, worker.QueueOptions{}), app(false),
			[]channel.Name{"jobs"}, worker.Options{Logger: silent})
		stop := run(t, alone)
		enqueue(t, healthy, "jobs", "x")
		synctest.Wait()
		cut.off.Store(true)
		other := worker.NewDurable(healthy, app(true), []channel.Name{"jobs"},
			worker.Options{Logger: silent})
		stopOther := run(t, other)
		time.Sleep(time.Minute)
		cut.off.Store(false)
		time.Sleep(time.Minute)
		if err := errors.Join(stop(), stopOther()); err != nil {
			t.Error(err)
		}
		if len(causes) != 1 || !errors.Is(causes[0], channel.ErrNotHeld) || other.Stats().Done != 1 {
			t.Errorf("%v, %+v", causes, other.Stats())
		}
	})
}

// What runs when the worker is stopped, and does not end in its grace, is the next
// worker's at once.
func TestDurableIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		queue, _ := newQueue(&broker)
		var attempts []int
		app := worker.Job(func(ctx context.Context, message parley.ChannelReceive) error {
			if attempts = append(attempts, message.Attempt); len(attempts) == 1 {
				<-ctx.Done()
			}
			return context.Cause(ctx)
		})
		first := worker.NewDurable(queue, app, []channel.Name{"jobs"}, worker.Options{Logger: silent})
		stop := run(t, first)
		enqueue(t, queue, "jobs", "x")
		enqueue(t, queue, "jobs", "y")
		synctest.Wait()
		if err := stop(); err != nil || first.Stats() != (worker.Stats{Returned: 1}) {
			t.Errorf("%v, %+v", err, first.Stats())
		}
		second := worker.NewDurable(queue, app, []channel.Name{"jobs"}, worker.Options{Logger: silent})
		stop = run(t, second)
		if err := stop(); err != nil || second.Stats() != (worker.Stats{Done: 2, Retried: 1}) ||
			!slices.Equal(attempts, []int{0, 1, 0}) {
			t.Errorf("%v, %+v, %v", err, second.Stats(), attempts)
		}
	})
}

// TestQueueRefuses what no worker could be sent.
func TestQueueRefuses(t *testing.T) {
	var broker channel.Broker
	queue, jobs := newQueue(&broker)
	for _, test := range []struct {
		name channel.Name
		kind string
	}{{"", "a"}, {"a b", "a"}, {"client.x!y", "a"}, {"jobs", ""}, {"jobs", "a b"}} {
		err := queue.Send(t.Context(), test.name, channel.NewMessage(test.kind, nil))
		if !errors.Is(err, channel.ErrName) {
			t.Errorf("%q to %q: %v", test.kind, test.name, err)
		}
	}
	if err := jobs.Enqueue(t.Context(), "parley.job.jobs", []byte("not ours")); err != nil {
		t.Fatal(err)
	}
	graves := &graveyard{}
	app := worker.Job(func(context.Context, parley.ChannelReceive) error { return nil })
	w := worker.NewDurable(queue, app, []channel.Name{"jobs"},
		worker.Options{DeadLetter: graves.take, Logger: silent})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	for w.Stats().Dead == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil || !errors.Is(graves.list[0].Err, worker.ErrReject) {
		t.Errorf("%v, %+v", err, graves.list)
	}
}
