package peertest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/worker"
)

var silent = slog.New(slog.DiscardHandler)

// tally counts what happens to texts, and remembers when.
type tally struct {
	mu    sync.Mutex
	count map[string]int
	times map[string][]time.Time
}

func (c *tally) add(text string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count == nil {
		c.count, c.times = make(map[string]int), make(map[string][]time.Time)
	}
	c.count[text]++
	c.times[text] = append(c.times[text], time.Now())
	return c.count[text]
}

func (c *tally) all() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.count)
}

func send(t *testing.T, queue *worker.Queue, name channel.Name, texts ...string) {
	t.Helper()
	for _, text := range texts {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		err := queue.Send(ctx, name, channel.NewMessage("job", []byte(text)))
		cancel()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// work runs a worker until stop, or the end of the test.
func work(
	t *testing.T, queue *worker.Queue, name channel.Name, options worker.Options,
	do func(ctx context.Context, text string) error,
) (w *worker.Worker, stop func()) {
	options.Logger = silent
	w = worker.NewDurable(queue, worker.Job(func(ctx context.Context, job parley.ChannelReceive) error {
		return do(ctx, string(job.Data))
	}), []channel.Name{name}, options)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the worker ends with %v", err)
		}
	})
	t.Cleanup(stop)
	return w, stop
}

// attempts: what is done, what is tried again after a pause, and what becomes a dead
// letter, which waits for another worker.
func attempts(t *testing.T, transport Transport) {
	const name, pause = "attempts", 200 * time.Millisecond
	var tries, dead, letters tally
	queue := worker.NewQueue(transport, worker.QueueOptions{})
	send(t, queue, name, "fine", "late", "hopeless", "rejected")
	w, stop := work(t, queue, name, worker.Options{Attempts: 3, Concurrency: 4,
		Backoff: func(int) time.Duration { return pause },
		DeadLetter: func(_ context.Context, letter worker.DeadLetter) {
			dead.add(fmt.Sprintf("%s %d", letter.Message.Payload(), letter.Attempts))
		},
	}, func(_ context.Context, text string) error {
		switch n := tries.add(text); {
		case text == "rejected":
			return worker.ErrReject
		case text == "hopeless" || text == "late" && n < 3:
			return errors.New("not now")
		}
		return nil
	})
	want := worker.Stats{Done: 2, Retried: 4, Dead: 2}
	eventually(t, "all is dealt with", func() bool { return w.Stats() == want })
	stop()
	check(t, "tries", &tries, map[string]int{"fine": 1, "late": 3, "hopeless": 3, "rejected": 1})
	check(t, "dead", &dead, map[string]int{"hopeless 3": 1, "rejected 1": 1})
	for i, at := range tries.times["late"][1:] { // clocks of two machines may differ a little
		if rest := at.Sub(tries.times["late"][i]); rest < pause/2 {
			t.Errorf("tried again after %v", rest)
		}
	}
	_, stop = work(t, queue, name+".dead", worker.Options{},
		func(_ context.Context, text string) error { letters.add(text); return nil })
	eventually(t, "dead letters are read", func() bool { return len(letters.all()) == 2 })
	stop()
	check(t, "letters", &letters, map[string]int{"hopeless": 1, "rejected": 1})
}

func check(t *testing.T, what string, got *tally, want map[string]int) {
	t.Helper()
	if all := got.all(); !maps.Equal(all, want) {
		t.Errorf("%s: %v, want %v", what, all, want)
	}
}

// drain: a worker that ends finishes what it can in its grace, and leaves the rest to
// others, at once.
func drain(t *testing.T, here, there Transport) {
	const name = "drain"
	var first, second tally
	queue := worker.NewQueue(here, worker.QueueOptions{})
	send(t, queue, name, "short", "long", "waits")
	stopping := make(chan struct{})
	w, stop := work(t, queue, name, worker.Options{Concurrency: 2, Grace: 10 * time.Second, Hold: time.Minute},
		func(ctx context.Context, text string) error {
			if first.add(text); text == "short" {
				<-stopping
				return nil
			}
			<-ctx.Done()
			return context.Cause(ctx)
		})
	eventually(t, "two are in hand", func() bool { return len(first.all()) == 2 })
	time.AfterFunc(100*time.Millisecond, func() { close(stopping) })
	stop()
	if want := (worker.Stats{Done: 1, Returned: 1}); w.Stats() != want {
		t.Errorf("%+v, want %+v", w.Stats(), want)
	}
	check(t, "first", &first, map[string]int{"short": 1, "long": 1})
	_, stop = work(t, worker.NewQueue(there, worker.QueueOptions{}), name, worker.Options{},
		func(_ context.Context, text string) error { second.add(text); return nil })
	eventually(t, "the rest is done", func() bool { return len(second.all()) == 2 })
	stop()
	check(t, "second", &second, map[string]int{"long": 1, "waits": 1})
}

const (
	tasks       = 300
	workersDie  = 3
	concurrency = 4

	// A process that lives, on a machine with much to do, is never away for as long.
	holdOfTheDead = 20 * time.Second
)

// Work is a worker that says what it begins and ends, for ever.
func (p *Peer) Work(name string, _ *int) error {
	w := worker.NewDurable(worker.NewQueue(p.transport, worker.QueueOptions{}),
		worker.Job(func(ctx context.Context, job parley.ChannelReceive) error {
			if err := p.transport.Publish(ctx, "begun", job.Data); err != nil {
				return err
			}
			time.Sleep(5 * time.Millisecond)
			return p.transport.Publish(ctx, "ended", job.Data)
		}), []channel.Name{channel.Name(name)},
		worker.Options{Concurrency: concurrency, Hold: holdOfTheDead})
	go func() { _ = w.Run(context.Background()) }() // until the process is killed
	return nil
}

// workersOfTheDead: every message is dealt with, and again only if it was in the hands of
// a process that was killed.
func workersOfTheDead(t *testing.T, transport Transport, others Others) {
	const name = "killed"
	var begun, ended tally
	for subject, count := range map[string]*tally{"begun": &begun, "ended": &ended} {
		if _, err := transport.Subscribe(t.Context(), subject,
			func(payload []byte) { count.add(string(payload)) }); err != nil {
			t.Fatal(err)
		}
	}
	queue := worker.NewQueue(transport, worker.QueueOptions{})
	for i := range tasks {
		send(t, queue, name, fmt.Sprint(i))
	}
	ask[int](others.start(t), "Work", name)
	for kill := range workersDie {
		dies, process := others.startToKill(t)
		ask[int](dies, "Work", name)
		eventually(t, "some are done", func() bool {
			return len(ended.all()) >= (kill+1)*tasks/(workersDie+2)
		})
		process.Kill()
	}
	eventually(t, "all are done", func() bool { return len(ended.all()) == tasks })
	again := 0
	for _, times := range begun.all() {
		again += times - 1
	}
	t.Logf("%d messages, %d processes killed, %d begun again", tasks, workersDie, again)
	if again > workersDie*concurrency {
		t.Errorf("%d were begun again, in the hands of the dead were %d at most",
			again, workersDie*concurrency)
	}
}
