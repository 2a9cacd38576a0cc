package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/testlog"
	"github.com/parleygo/parley/router"
	"github.com/parleygo/parley/worker"
)

type note struct {
	Text string `json:"text"`
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
		stats    worker.Stats
	}{
		{"done", "jobs", `{"text":"a"}`, 0, nil, 0, worker.Stats{Done: 1}},
		{"done at last", "jobs", `{"text":"a"}`, 2, errTest, 0, worker.Stats{Done: 1, Retried: 2}},
		{"never done", "jobs", `{"text":"a"}`, 99, errTest, 3, worker.Stats{Retried: 2, Dead: 1}},
		{"panic", "jobs", `{"text":"panic"}`, 0, parley.ErrAppPanic, 3,
			worker.Stats{Retried: 2, Dead: 1}},
		{"nil pointer", "jobs", `{"text":"nil"}`, 0, parley.ErrAppPanic, 3,
			worker.Stats{Retried: 2, Dead: 1}},
		{"exit", "jobs", `{"text":"exit"}`, 0, parley.ErrGoexit, 3,
			worker.Stats{Retried: 2, Dead: 1}},
		{"rejected", "jobs", `{"text":"a"}`, 99, worker.ErrReject, 1, worker.Stats{Dead: 1}},
		{"not decodable", "jobs", `{`, 0, worker.ErrReject, 1, worker.Stats{Dead: 1}},
		{"B1.18 no route", "other", `{}`, 0, router.ErrNoRoute, 1, worker.Stats{Dead: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				layer, graves, calls := newLayer(t), &graveyard{}, 0
				job := worker.Job(func(_ context.Context, n note) error {
					switch calls++; {
					case n.Text == "panic":
						panic("ouch")
					case n.Text == "exit":
						runtime.Goexit()
					case n.Text == "nil":
						return (*net.OpError)(nil)
					case calls <= test.fails:
						return test.err
					}
					return nil
				})
				w := worker.New(layer, router.Channels{"jobs": job}, []channel.Name{"jobs", "other"},
					worker.Options{Attempts: 3, DeadLetter: graves.take, Logger: silent})
				stop := run(t, w)
				send(t, layer, test.channel, test.payload)
				time.Sleep(time.Minute)
				if err := stop(); err != nil || w.Stats() != test.stats {
					t.Errorf("%v, %+v, want %+v", err, w.Stats(), test.stats)
				}
				if dead := test.attempts > 0; dead != (len(graves.list) == 1) {
					t.Fatalf("dead letters %+v", graves.list)
				} else if !dead {
					return
				}
				letter := graves.list[0]
				if letter.Attempts != test.attempts || !errors.Is(letter.Err, test.err) ||
					letter.Channel != test.channel {
					t.Errorf("dead letter %+v", letter)
				}
			})
		})
	}
}

// B8.1: order with one at a time, and several at once.
func TestConcurrency(t *testing.T) {
	for _, concurrency := range []int{0, 3} {
		synctest.Test(t, func(t *testing.T) {
			layer := newLayer(t)
			var mu sync.Mutex
			var order []string
			running, most := 0, 0
			app := worker.Job(func(_ context.Context, m parley.ChannelReceive) error {
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
			stop := run(t, worker.New(layer, app, []channel.Name{"jobs"},
				worker.Options{Concurrency: concurrency, Logger: silent}))
			send(t, layer, "jobs", "a", "b", "c", "d")
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

// However user code of a worker ends, the next message is dealt with, and the
// counts are right.
func TestEnds(t *testing.T) {
	ends := map[string]func(){
		"return": func() {},
		"panic":  func() { panic("ouch") },
		"error":  func() { panic(errTest) },
		"exit":   runtime.Goexit,
	}
	for _, where := range []string{"app", "Backoff", "DeadLetter"} {
		for how, end := range ends {
			t.Run(where+" "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					layer, done := newLayer(t), 0
					in := func(here string) {
						if here == where {
							end()
						}
					}
					app := worker.Job(func(_ context.Context, m parley.ChannelReceive) error {
						if string(m.Data) == "good" {
							done++
							return nil
						}
						in("app")
						return errTest
					})
					w := worker.New(layer, app, []channel.Name{"jobs"}, worker.Options{
						Attempts:   2,
						Backoff:    func(int) time.Duration { in("Backoff"); return time.Second },
						DeadLetter: func(context.Context, worker.DeadLetter) { in("DeadLetter") },
						Logger:     silent,
					})
					stop := run(t, w)
					send(t, layer, "jobs", "bad", "good", "bad", "good")
					time.Sleep(time.Hour)
					want := worker.Stats{Done: 2, Retried: 2, Dead: 2}
					if err := stop(); err != nil || done != 2 || w.Stats() != want {
						t.Errorf("%v, %d good ones, %+v", err, done, w.Stats())
					}
				})
			})
		}
	}
}

// One failure is one line, and a panic's has its stack.
func TestLog(t *testing.T) {
	for _, test := range []struct {
		name  string
		fails func() error
		want  []string // what the lines hold, one each
	}{
		{"error", func() error { return errTest }, []string{"tried again", "failed for good"}},
		{"rejected", func() error { return worker.ErrReject }, []string{"failed for good"}},
		{"panic", func() error { panic("ouch") }, []string{"stack=", "stack="}},
		{"done", func() error { return nil }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				layer, log := newLayer(t), new(testlog.Lines)
				app := worker.Job(func(context.Context, parley.ChannelReceive) error { return test.fails() })
				stop := run(t, worker.New(layer, app, []channel.Name{"jobs"},
					worker.Options{Attempts: 2, Logger: log.Logger()}))
				send(t, layer, "jobs", "x")
				time.Sleep(time.Minute)
				if err := stop(); err != nil || log.Len() != len(test.want) {
					t.Fatalf("%v, %q", err, log.All())
				}
				for i, want := range test.want {
					line := log.All()[i]
					if !strings.Contains(line, want) || !strings.Contains(line, "channel=jobs") {
						t.Errorf("line %q, want %q", line, want)
					}
				}
			})
		})
	}
}

// Attempts without a limit.
func TestUnlimitedAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer, tries := newLayer(t), 0
		app := worker.Job(func(context.Context, parley.ChannelReceive) error {
			if tries++; tries < 20 {
				return errTest
			}
			return nil
		})
		w := worker.New(layer, app, []channel.Name{"jobs"}, worker.Options{Attempts: -1, Logger: silent})
		stop := run(t, w)
		send(t, layer, "jobs", "x")
		time.Sleep(time.Hour)
		if err := stop(); err != nil || w.Stats() != (worker.Stats{Done: 1, Retried: 19}) {
			t.Errorf("%v, %+v", err, w.Stats())
		}
	})
}

// brokenLog is a logger that ends otherwise than it should.
type brokenLog struct {
	slog.Handler
	end func()
}

func (brokenLog) Enabled(context.Context, slog.Level) bool { return true }

func (b brokenLog) Handle(context.Context, slog.Record) error {
	b.end()
	return nil
}

// A logger that is broken costs its line.
func TestBrokenLog(t *testing.T) {
	for name, end := range map[string]func(){
		"panic": func() { panic("ouch") }, "exit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				layer := newLayer(t)
				app := worker.Job(func(_ context.Context, m parley.ChannelReceive) error {
					if string(m.Data) == "bad" {
						return errTest
					}
					return nil
				})
				w := worker.New(layer, app, []channel.Name{"jobs"},
					worker.Options{Attempts: 2, Logger: slog.New(brokenLog{end: end})})
				stop := run(t, w)
				send(t, layer, "jobs", "bad", "good")
				time.Sleep(time.Minute)
				want := worker.Stats{Done: 1, Retried: 1, Dead: 1}
				if err := stop(); err != nil || w.Stats() != want {
					t.Errorf("%v, %+v", err, w.Stats())
				}
			})
		})
	}
}
