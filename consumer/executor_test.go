package consumer_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/internal/testlog"
)

// apart is an executor that makes each call on a goroutine of its own, as long as
// it has capacity.
type apart struct {
	mu      sync.Mutex
	calls   int   // made
	limit   int   // after so many calls it refuses; 0 never
	refusal error // what it says then
	open    int   // clients
	endErr  error
}

func (a *apart) Begin(ctx context.Context) (inner context.Context, end func() error) {
	a.count(1)
	return ctx, func() error { a.count(-1); return a.endErr }
}

func (a *apart) count(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open += n
}

func (a *apart) Run(ctx context.Context, f func(context.Context) error) error {
	a.mu.Lock()
	a.calls++
	refused := a.limit > 0 && a.calls > a.limit
	a.mu.Unlock()
	if refused {
		return a.refusal
	}
	result := make(chan error, 1)
	go func() {
		defer close(result) // also if f ends the goroutine
		result <- f(ctx)
	}()
	return <-result
}

// B2.7: what hooks do on an executor ends as it does without: Disconnect runs
// there too.
func TestExecutor(t *testing.T) {
	b, err := bridge.New(bridge.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(context.Background())
	executors := map[string]consumer.Executor{
		"double": &apart{}, "pool": bridge.OnPool(b), "thread": bridge.OnThread(b),
		"pool of the context": bridge.OnPool(nil), "thread of the context": bridge.OnThread(nil),
	}
	for name, executor := range executors {
		for _, test := range []struct {
			text  string
			code  parley.CloseCode
			cause error
		}{
			{"close", 1000, parley.ErrFinished}, {"error", 1011, errTest}, {"panic", 1011,
				parley.ErrAppPanic},
		} {
			t.Run(name+" "+test.text, func(t *testing.T) {
				r := &room{receive: endsAsTold}
				app := consumer.New(r.factory, consumer.Options{Executor: executor})
				s := dialWith(t, bridge.With(t.Context(), b), app)
				s.Send(parley.Text(test.text))
				code, _ := s.Closed()
				s.Wait()
				if got := r.disconnects(); code != test.code || len(got) != 1 || !errors.Is(got[0],
					test.cause) {
					t.Errorf("code %d, disconnected with %v", code, got)
				}
			})
		}
	}
	if double := executors["double"].(*apart); double.open != 0 || double.calls != 12 {
		t.Errorf("%d calls, %d clients left", double.calls, double.open)
	}
}

// B2.7 and E17: all hooks of a connection run on its one thread.
func TestExecutorThread(t *testing.T) {
	b, err := bridge.New(bridge.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(context.Background())
	var threads []int
	r := &room{
		connect: func(context.Context, *consumer.Conn) (consumer.Answer, error) {
			threads = append(threads, threadID())
			return accept, nil
		},
		receive: func(context.Context, *consumer.Conn, parley.WebSocketReceive) error {
			threads = append(threads, threadID())
			return nil
		},
		gone: func(context.Context, *consumer.Conn) { threads = append(threads, threadID()) },
	}
	s := dial(t, consumer.New(r.factory, consumer.Options{Executor: bridge.OnThread(b)}))
	s.Send(parley.Text("x"))
	s.Close(parley.CloseNormal, "")
	s.Wait()
	if len(threads) != 3 || threads[0] != threads[1] || threads[1] != threads[2] {
		t.Errorf("threads %v", threads)
	}
}

// An executor without capacity: 503 before the accept, 1013 after, and Disconnect
// in any case.
func TestExecutorRefuses(t *testing.T) {
	for _, refusal := range []error{parley.ErrOverloaded, bridge.ErrQueueFull, errTest, nil} {
		for _, test := range []struct {
			name   string
			limit  int // calls that it makes: connect, open, receive, disconnect
			status int
			code   parley.CloseCode
		}{
			{"connect", -1, 503, 1006},
			{"open", 1, 0, 1013},
			{"receive", 2, 0, 1013},
			{"disconnect", 3, 0, 1000},
		} {
			t.Run(test.name, func(t *testing.T) {
				r := &room{receive: endsAsTold}
				executor := &apart{limit: test.limit, refusal: refusal}
				if test.limit < 0 {
					executor.limit, executor.calls = 1, 1
				}
				app := consumer.New(r.factory, consumer.Options{Executor: executor, Logger: silent})
				s := dial(t, app)
				if test.status != 0 {
					if got := s.Denial(); got.Status != test.status {
						t.Errorf("denied with %d", got.Status)
					}
					if got := r.disconnects(); got != nil {
						t.Errorf("a value that was never made was told %v", got)
					}
					return
				}
				if test.limit > 1 {
					s.Send(parley.Text("close"))
				}
				code, reason := s.Closed()
				err := s.Wait()
				overloaded := test.code == parley.CloseTryAgainLater
				if code != test.code || reason != "" || errors.Is(err, parley.ErrOverloaded) != overloaded {
					t.Errorf("closed with %d %q, %v", code, reason, err)
				}
				got := r.disconnects()
				if len(got) != 1 || errors.Is(got[0], parley.ErrOverloaded) != overloaded {
					t.Errorf("disconnected with %v", got)
				}
				if executor.open != 0 || app.Stats().Connections != 0 {
					t.Errorf("left: %d clients, %+v", executor.open, app.Stats())
				}
			})
		}
	}
}

// A bridge that is closed has no capacity.
func TestExecutorOfClosedBridge(t *testing.T) {
	for name, on := range map[string]func(*bridge.Bridge) bridge.Executor{
		"pool": bridge.OnPool, "thread": bridge.OnThread,
	} {
		t.Run(name, func(t *testing.T) {
			b, err := bridge.New(bridge.Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := &room{receive: endsAsTold}
			app := consumer.New(r.factory, consumer.Options{Executor: on(b), Logger: silent})
			open := dial(t, app)
			open.Accept()
			at, cancel := context.WithCancel(t.Context())
			cancel()
			_ = b.Close(at) // at once: its threads are not waited for

			open.Send(parley.Text("close"))
			if code, _ := open.Closed(); code != parley.CloseTryAgainLater {
				t.Errorf("closed with %d", code)
			}
			open.Wait()
			if got := dial(t, app).Denial(); got.Status != 503 {
				t.Errorf("denied with %d, %v", got.Status, got.Err)
			}
			got := r.disconnects()
			if len(got) != 1 || !errors.Is(got[0], parley.ErrOverloaded) {
				t.Errorf("disconnected with %v", got)
			}
			if err := b.Close(t.Context()); err != nil && !errors.Is(err, bridge.ErrClosed) {
				t.Error(err)
			}
		})
	}
}

// badExecutor fails itself.
type badExecutor struct {
	begin, run, end func()
}

func (b badExecutor) Begin(ctx context.Context) (context.Context, func() error) {
	b.begin()
	return ctx, func() error { b.end(); return nil }
}

func (b badExecutor) Run(ctx context.Context, f func(context.Context) error) error {
	b.run()
	return f(ctx)
}

// An executor that panics costs its client the connection, and no more.
func TestExecutorPanics(t *testing.T) {
	fine := func() {}
	for name, executor := range map[string]badExecutor{
		"Begin": {panicsNow, fine, fine}, "Run": {fine, panicsNow, fine}, "end": {fine, fine, panicsNow},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, r := new(testlog.Lines), &room{receive: endsAsTold}
				app := consumer.New(r.factory, consumer.Options{Executor: executor, Logger: log.Logger()})
				s := dial(t, app)
				if name == "end" {
					s.Send(parley.Text("close"))
				}
				s.Wait()
				if got := app.Stats(); got.Connections != 0 || got.Opened != 1 {
					t.Errorf("%+v", got)
				}
				if name == "end" && (log.Len() != 1 || !strings.Contains(log.All()[0], "stack=")) {
					t.Errorf("%q", log.All())
				}
			})
		})
	}
}

func panicsNow() { panic("ouch") }
