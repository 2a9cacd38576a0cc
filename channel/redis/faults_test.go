package redis_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
)

// traffic is one that publishes numbers and one that listens, through all that befalls
// them. What is lost is counted, and explained.
type traffic struct {
	t       *testing.T
	from    *redis.Transport
	subject string
	stop    context.CancelFunc
	done    sync.WaitGroup

	sent    atomic.Int64 // the number that is being published
	failed  atomic.Int64 // publishes whose caller has got an error
	notices atomic.Int64 // of interruptions

	mu      sync.Mutex
	came    []int64
	last    int64
	excused int64          // numbers up to this one may be missing
	refused map[int64]bool // those too: their caller has got an error
}

// start has from publish to to until finish. OnInterrupt has to come first.
func start(t *testing.T, from, to *redis.Transport) *traffic {
	t.Helper()
	w := &traffic{t: t, from: from, subject: "traffic", refused: make(map[int64]bool)}
	to.OnInterrupt(w.interrupted)
	if _, err := to.Subscribe(t.Context(), w.subject, w.deliver); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	w.done.Go(func() { w.publish(ctx) })
	t.Cleanup(func() { stop(); w.done.Wait() })
	return w
}

func (w *traffic) publish(ctx context.Context) {
	for ctx.Err() == nil {
		number := w.sent.Add(1)
		patient, cancel := context.WithTimeout(context.Background(), patience)
		if err := w.from.Publish(patient, w.subject, strconv.AppendInt(nil, number, 10)); err != nil {
			w.failed.Add(1)
			w.mu.Lock()
			w.refused[number] = true
			w.mu.Unlock()
			time.Sleep(time.Millisecond)
		}
		cancel()
	}
}

// interrupted excuses what was published until now, and no more.
func (w *traffic) interrupted(subjects []string) {
	if !slices.Contains(subjects, w.subject) {
		w.t.Errorf("told of %q", subjects)
	}
	now := w.sent.Load()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.excused = now
	w.notices.Add(1)
}

func (w *traffic) deliver(payload []byte) {
	number, err := strconv.ParseInt(string(payload), 10, 64)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil || (number <= w.last && !w.refused[number]):
		w.t.Errorf("%s came behind %d", payload, w.last)
	case number <= w.last: // it was in a connection that was given up
		w.came = append(w.came, number)
	default:
		w.came = append(w.came, number)
		w.last = number
	}
}

// flows waits until so many more have arrived.
func (w *traffic) flows(more int) {
	w.t.Helper()
	w.mu.Lock()
	goal := len(w.came) + more
	w.mu.Unlock()
	eventually(w.t, func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.came) < goal {
			return fmt.Errorf("%d of %d have arrived", len(w.came), goal)
		}
		return nil
	})
}

// finish returns how much was lost of what its publisher believes to have arrived.
// None of that may have been published after the last notice.
func (w *traffic) finish() (lost int) {
	w.t.Helper()
	w.flows(100)
	w.stop()
	w.done.Wait()
	final := w.sent.Load()
	eventually(w.t, func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.last != final && !w.refused[final] {
			return fmt.Errorf("%d is the last of %d", w.last, final)
		}
		return nil
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	arrived := make(map[int64]bool)
	for _, number := range w.came {
		arrived[number] = true
	}
	for number := range final + 1 {
		if number == 0 || arrived[number] || w.refused[number] {
			continue
		}
		if lost++; number > w.excused {
			w.t.Errorf("%d is missing, and the last notice was at %d", number, w.excused)
		}
	}
	w.t.Logf("%d published, %d with an error, %d arrived, %d lost, %d notices",
		final, len(w.refused), len(w.came), lost, w.notices.Load())
	return lost
}

// noticed waits for so many notices; more are wrong at once.
func (w *traffic) noticed(notices int64) {
	w.t.Helper()
	eventually(w.t, func() error {
		if got := w.notices.Load(); got < notices {
			return fmt.Errorf("%d notices, want %d", got, notices)
		}
		return nil
	})
	if got := w.notices.Load(); got != notices {
		w.t.Fatalf("%d notices, want %d", got, notices)
	}
}

// refuses waits until a publisher has got another error.
func (w *traffic) refuses() {
	w.t.Helper()
	before := w.failed.Load()
	eventually(w.t, func() error {
		if w.failed.Load() == before {
			return errors.New("publishing succeeds")
		}
		return nil
	})
}

// TestBrokerIsKilled with -9 under load, and started again.
func TestBrokerIsKilled(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	from := connect(t, redis.Options{URLs: []string{url(server)}})
	to := connect(t, redis.Options{URLs: []string{url(server)}})
	w := start(t, from, to)
	for round := range int64(3) {
		w.flows(100)
		server.Kill()
		w.refuses()
		server.Restart()
		w.noticed(round + 1)
	}
	w.finish()
}

// TestNetworkIsCut between one process and the broker, in every way.
func TestNetworkIsCut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		cut      func(p *servicetest.Proxy)
		to, from bool // who is cut off
		notices  int64
	}{
		{"ReaderIsCutOff", (*servicetest.Proxy).Cut, true, false, 1},
		{"ReaderHearsNothing", (*servicetest.Proxy).Silence, true, false, 1},
		{"ReaderLosesItsConnection", (*servicetest.Proxy).Drop, true, false, 1},
		{"PublisherIsCutOff", (*servicetest.Proxy).Cut, false, true, 0},
		{"PublisherHearsNothing", (*servicetest.Proxy).Silence, false, true, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := servicetest.StartRedis(t)
			proxy := servicetest.StartProxy(t, server.Addr)
			var log logOf
			through := func(cut bool) redis.Options {
				if cut {
					return redis.Options{URLs: []string{"redis://" + proxy.Addr}, Logger: log.logger()}
				}
				return redis.Options{URLs: []string{url(server)}}
			}
			to := connect(t, through(test.to))
			w := start(t, connect(t, through(test.from)), to)
			w.flows(100)
			test.cut(proxy)
			if test.from {
				w.refuses()
			} else {
				log.wants(t, "is lost", 1)
			}
			proxy.Heal()
			w.noticed(test.notices)
			if lost := w.finish(); test.from && lost > 0 {
				t.Errorf("%d were lost, and nobody was told", lost)
			}
			if got := to.Stats().Interruptions; got != uint64(test.notices) {
				t.Errorf("%d interruptions", got)
			}
		})
	}
}

// TestBriefSilence is no interruption: all arrives.
func TestBriefSilence(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	proxy := servicetest.StartProxy(t, server.Addr)
	to := connect(t, redis.Options{URLs: []string{"redis://" + proxy.Addr}, Timeout: patience})
	w := start(t, connect(t, redis.Options{URLs: []string{url(server)}}), to)
	w.flows(100)
	proxy.Silence()
	time.Sleep(time.Second) // much less than what makes it a server that is gone
	proxy.Heal()
	proxy.Slow(time.Millisecond)
	if lost := w.finish(); lost != 0 || w.notices.Load() != 0 {
		t.Errorf("%d lost, %d notices", lost, w.notices.Load())
	}
}

// TestSlowBroker: a caller that does not want to wait for longer takes no connection
// along.
func TestSlowBroker(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	options := redis.Options{URLs: []string{url(server)}, Timeout: patience}
	transport := connect(t, options)
	w := start(t, connect(t, options), transport)
	w.flows(100)
	server.Must("CLIENT", "PAUSE", fmt.Sprint(patience.Milliseconds()), "WRITE")
	for range 50 {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
		err := transport.Publish(ctx, "other", []byte("x"))
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("publish: %v", err)
		}
	}
	server.Must("CLIENT", "UNPAUSE")
	if lost := w.finish(); lost != 0 || w.notices.Load() != 0 || w.failed.Load() != 0 {
		t.Errorf("%d lost, %d notices, %d failed", lost, w.notices.Load(), w.failed.Load())
	}
}

// TestSubscriberIsKilled by the broker: by hand, and for it does not read.
func TestSubscriberIsKilled(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t,
		"--client-output-buffer-limit", "pubsub 256kb 128kb 5")
	proxy := servicetest.StartProxy(t, server.Addr)
	from := connect(t, redis.Options{URLs: []string{url(server)}})
	to := connect(t, redis.Options{URLs: []string{"redis://" + proxy.Addr}})
	w := start(t, from, to)
	w.flows(100)
	server.Must("CLIENT", "KILL", "TYPE", "pubsub")
	w.noticed(1)
	w.flows(100)

	if _, err := to.Subscribe(t.Context(), w.subject+"x", func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	large := make([]byte, 1<<20)
	proxy.Silence()
	for range 16 { // more than the network holds
		if err := from.Publish(t.Context(), w.subject+"x", large); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() error {
		if got := server.Line("INFO stats", "client_output_buffer_limit_disconnections:"); got == "0" {
			return errors.New("the subscriber lives on")
		}
		return nil
	})
	proxy.Heal()
	w.noticed(2)
	w.finish()
}
