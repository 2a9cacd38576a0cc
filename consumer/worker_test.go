package consumer_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/router"
)

// graveyard keeps dead letters.
type graveyard struct {
	mu   sync.Mutex
	list []consumer.DeadLetter
}

func (g *graveyard) take(_ context.Context, letter consumer.DeadLetter) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.list = append(g.list, letter)
}

// run runs a worker until the test calls stop.
func run(t *testing.T, w *consumer.Worker) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- w.Run(ctx) }()
	synctest.Wait()
	return func() error { cancel(); return <-result }
}

// B8.1: what becomes of a message, by what its app makes of it.
func TestWorker(t *testing.T) {
	for _, test := range []struct {
		name     string
		channel  channel.Name
		payload  string
		fails    int
		err      error
		attempts int // of a dead letter
		stats    consumer.WorkerStats
	}{
		{"done", "jobs", `{"text":"a"}`, 0, nil, 0, consumer.WorkerStats{Done: 1}},
		{"done at last", "jobs", `{"text":"a"}`, 2, errTest, 0, consumer.WorkerStats{Done: 1, Retried: 2}},
		{"never done", "jobs", `{"text":"a"}`, 99, errTest, 3, consumer.WorkerStats{Retried: 2, Dead: 1}},
		{"panic", "jobs", `{"text":"panic"}`, 0, parley.ErrAppPanic, 3, consumer.WorkerStats{Retried: 2, Dead: 1}},
		{"rejected", "jobs", `{"text":"a"}`, 99, consumer.ErrReject, 1, consumer.WorkerStats{Dead: 1}},
		{"not decodable", "jobs", `{`, 0, consumer.ErrReject, 1, consumer.WorkerStats{Dead: 1}},
		{"B1.18 no route", "other", `{}`, 0, router.ErrNoRoute, 1, consumer.WorkerStats{Dead: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				layer, graves, calls := newLayer(t), &graveyard{}, 0
				job := consumer.Job(func(_ context.Context, job said) error {
					calls++
					if job.Text == "panic" {
						panic("ouch")
					}
					if calls <= test.fails {
						return test.err
					}
					return nil
				})
				w := &consumer.Worker{
					Layer: layer, App: router.Channels{"jobs": job}, Names: []channel.Name{"jobs", "other"},
					Attempts: 3, DeadLetter: graves.take, Logger: silent,
				}
				stop := run(t, w)
				if err := layer.Send(t.Context(), test.channel, channel.NewMessage("job", []byte(test.payload))); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				if err := stop(); err != nil || w.Stats() != test.stats {
					t.Errorf("%v, %+v, want %+v", err, w.Stats(), test.stats)
				}
				if dead := test.attempts > 0; dead != (len(graves.list) == 1) {
					t.Fatalf("dead letters %+v", graves.list)
				} else if dead && (graves.list[0].Attempts != test.attempts || !errors.Is(graves.list[0].Err, test.err) ||
					graves.list[0].Channel != test.channel) {
					t.Errorf("dead letter %+v", graves.list[0])
				}
			})
		})
	}
}

// B8.1: order with one at a time, and several at once.
func TestWorkerConcurrency(t *testing.T) {
	for _, concurrency := range []int{0, 3} {
		synctest.Test(t, func(t *testing.T) {
			layer := newLayer(t)
			var mu sync.Mutex
			var order []string
			running, most := 0, 0
			app := consumer.Job(func(_ context.Context, m parley.ChannelReceive) error {
				mu.Lock()
				running++
				most = max(most, running)
				order = append(order, string(m.Data))
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				defer mu.Unlock()
				running--
				if m.Attempt == 0 && string(m.Data) == "b" {
					return errTest
				}
				return nil
			})
			stop := run(t, &consumer.Worker{Layer: layer, App: app, Names: []channel.Name{"jobs"}, Concurrency: concurrency})
			for _, payload := range []string{"a", "b", "c", "d"} {
				if err := layer.Send(t.Context(), "jobs", channel.NewMessage("job", []byte(payload))); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Minute)
			if err := stop(); err != nil || most != max(concurrency, 1) {
				t.Errorf("%v, %d at once", err, most)
			}
			if want := []string{"a", "b", "b", "c", "d"}; concurrency == 0 && !slices.Equal(order, want) {
				t.Errorf("order %v", order)
			}
		})
	}
}

// B8.1: a worker that is stopped gives apps their grace, and gives up retrying.
func TestWorkerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer, graves := newLayer(t), &graveyard{}
		app := consumer.Job(func(ctx context.Context, _ parley.ChannelReceive) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		w := &consumer.Worker{Layer: layer, App: app, Names: []channel.Name{"jobs"}, DeadLetter: graves.take}
		stop := run(t, w)
		if err := layer.Send(t.Context(), "jobs", channel.NewMessage("job", nil)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		began := time.Now()
		if err := stop(); err != nil || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if len(graves.list) != 1 || !errors.Is(graves.list[0].Err, parley.ErrDraining) {
			t.Errorf("%+v", graves.list)
		}
	})
}

// Run fails where it cannot work, and when its layer is closed.
func TestWorkerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t)
		w := &consumer.Worker{Layer: layer, App: router.Channels{}, Names: []channel.Name{"jobs"}}
		result := make(chan error)
		go func() { result <- w.Run(t.Context()) }()
		synctest.Wait()
		if err := (&consumer.Worker{Layer: layer, Names: []channel.Name{"jobs"}}).Run(t.Context()); !errors.Is(err, channel.ErrTaken) {
			t.Errorf("twice: %v", err)
		}
		if err := layer.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-result; !errors.Is(err, parley.ErrDraining) {
			t.Errorf("closed: %v", err)
		}
	})
}

// What a worker's app meets besides its message.
func TestWorkerConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t)
		app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			first, _ := conn.Receive(ctx)
			second, _ := conn.Receive(ctx)
			if _, ok := first.(parley.ChannelReceive); !ok || second != (parley.ChannelDisconnect{Cause: parley.ErrFinished}) {
				t.Errorf("%v, %v", first, second)
			}
			if err := conn.Send(ctx, parley.WebSocketClose{}); !errors.Is(err, parley.ErrUnexpectedEvent) {
				t.Error(err)
			}
			return nil
		})
		w := &consumer.Worker{Layer: layer, App: app, Names: []channel.Name{"jobs"}}
		stop := run(t, w)
		if err := layer.Send(t.Context(), "jobs", channel.NewMessage("job", nil)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := stop(); err != nil || w.Stats().Done != 1 {
			t.Errorf("%v, %+v", err, w.Stats())
		}
	})
	if err := consumer.Job(func(context.Context, int) error { return nil }).Serve(t.Context(), &parley.Scope{Protocol: parley.HTTP}, nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}
