package stateless_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/stateless"
)

// letter is an event of the test's own: what instances send each other.
type letter struct{ to, text string }

func (letter) EventType() string { return "letter" }

// B88: an instance for each name, made on first use and used again; they exchange messages
// through the server, in order.
func TestB88_InstancesTalk(t *testing.T) {
	r := new(recorder)
	var s *stateless.Server
	options := stateless.Options{
		Failed: r.failed,
		Send: func(ctx context.Context, from string, event parley.Event) error {
			l := event.(letter)
			return s.Deliver(ctx, l.to, message(l.text+" from "+from))
		},
	}
	app := func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		r.add("%s begins", scope.Channel)
		for {
			event, err := conn.Receive(ctx)
			got, ok := event.(parley.ChannelReceive)
			if !ok {
				return err
			}
			r.add("%s: %s", scope.Channel, got.Data)
			if to, found := strings.CutPrefix(string(got.Data), "greet "); found {
				if err := conn.Send(ctx, letter{to, "hello"}); err != nil {
					return err
				}
			}
		}
	}
	serveApp(t, parley.AppFunc(app), options, func(
		t *testing.T, ctx context.Context, server *stateless.Server,
	) {
		s = server
		deliver(t, ctx, s, "ann", "greet bob", "greet bob")
		r.want(t, "ann begins", "ann: greet bob", "ann: greet bob", "bob begins",
			"bob: hello from ann", "bob: hello from ann")
		deliver(t, ctx, s, "bob", "greet ann")
		r.want(t, "bob: greet ann", "ann: hello from bob")
		if stats := s.Stats(); stats.Alive != 2 || stats.Begun != 2 {
			t.Errorf("stats are %+v", stats)
		}
	})
}

// B88: what an instance leaves unread is the next one's, and each takes one event along.
func TestB88_UnreadEventsGoOn(t *testing.T) {
	for _, c := range []struct {
		name  string
		reads int
		end   error
		want  []string
	}{
		{"one each", 1, nil, []string{"begins", "a", "begins", "b", "begins", "c"}},
		{"two each", 2, nil, []string{"begins", "a", "b", "begins", "c"}},
		{"none", 0, nil, []string{"begins", "begins", "begins"}},
		{"none, and fails", 0, errTest, []string{
			"begins", "x failed: test", "begins", "x failed: test", "begins", "x failed: test"}},
		{"one each, and fails", 1, errTest, []string{"begins", "a", "x failed: test",
			"begins", "b", "x failed: test", "begins", "c", "x failed: test"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := new(recorder)
			var gate chan struct{} // of the bubble
			app := func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
				<-gate
				r.add("begins")
				for range c.reads {
					event, err := conn.Receive(ctx)
					got, ok := event.(parley.ChannelReceive)
					if !ok {
						return err
					}
					r.add("%s", got.Data)
				}
				return c.end
			}
			options := stateless.Options{Failed: r.failed}
			serveApp(t, parley.AppFunc(app), options, func(
				t *testing.T, ctx context.Context, s *stateless.Server,
			) {
				gate = make(chan struct{})
				deliver(t, ctx, s, "x", "a", "b", "c")
				for range 3 { // one instance after the other
					select {
					case gate <- struct{}{}:
					case <-time.After(time.Second): // there is none
					}
					synctest.Wait()
				}
				r.want(t, c.want...)
			})
		})
	}
}

func TestB88_QueueOfAnInstanceIsFull(t *testing.T) {
	serve(t, stateless.Options{Queue: 2}, func(
		t *testing.T, ctx context.Context, s *stateless.Server, r *recorder,
	) {
		deliver(t, ctx, s, "slow", "block")
		r.want(t, "slow: block")
		deliver(t, ctx, s, "slow", "1", "2")
		err := s.Deliver(ctx, "slow", message("3"))
		wantErr(t, err, stateless.ErrFull)
		wantErr(t, err, parley.ErrFull)
		deliver(t, ctx, s, "other", "1")
		r.want(t, "other: 1")
	})
}

// B89: Run returns when its function has, however that ends, and when all instances have.
func TestB89_Run(t *testing.T) {
	for _, c := range []struct {
		name   string
		handle func(ctx context.Context) error
		want   error
	}{
		{"returns", func(context.Context) error { return nil }, nil},
		{"fails", func(context.Context) error { return errTest }, errTest},
		{"panics", func(context.Context) error { panic(errTest) }, errTest},
		{"exits", func(context.Context) error { runtime.Goexit(); return nil }, parley.ErrGoexit},
		{"ctx ends", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			context.DeadlineExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := new(recorder)
				s := stateless.New(parley.AppFunc(r.listen), stateless.Options{Failed: r.failed, Max: 2})
				wantErr(t, s.Deliver(t.Context(), "a", message("early")), stateless.ErrClosed)
				for range 2 { // it may run again
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					late := make(chan error)
					wantErr(t, s.Run(ctx, func(ctx context.Context) error {
						deliver(t, ctx, s, "a", "1", "block")
						deliver(t, ctx, s, "b", "1")
						synctest.Wait()
						return c.handle(ctx)
					}), c.want)
					cancel()
					go func() { late <- s.Deliver(t.Context(), "a", message("late")) }()
					err := <-late
					wantErr(t, err, stateless.ErrClosed)
					wantErr(t, err, parley.ErrClosed)
					stats := s.Stats()
					if stats.Alive != 0 || stats.Failed != 0 {
						t.Errorf("stats are %+v", stats)
					}
				}
			})
		})
	}
}

// B89: instances go on until handle has returned, and end before Run does.
func TestB89_InstancesOutliveTheContextOfRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(recorder)
		app := func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			defer r.add("over")
			if err := r.listen(ctx, scope, conn); err != nil {
				time.Sleep(time.Second) // takes its time to end
				return err
			}
			return nil
		}
		s := stateless.New(parley.AppFunc(app), stateless.Options{Failed: r.failed})
		ctx, cancel := context.WithCancel(t.Context())
		wantErr(t, s.Run(ctx, func(ctx context.Context) error {
			deliver(t, ctx, s, "a", "1")
			cancel()
			synctest.Wait()
			deliver(t, context.Background(), s, "a", "2")
			synctest.Wait()
			return nil
		}), nil)
		r.want(t, "a: 1", "a: 2", "a ends", "over")
	})
}

// B89: who waits for a place when Run ends is refused, and nobody who was refused counts.
func TestB89_RunEndsWhileSomebodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(recorder)
		s := stateless.New(parley.AppFunc(r.listen), stateless.Options{Failed: r.failed, Max: 1})
		refused := make(chan error, 1)
		wantErr(t, s.Run(t.Context(), func(ctx context.Context) error {
			deliver(t, ctx, s, "a", "work", "unread")
			go func() { refused <- s.Deliver(context.Background(), "b", message("1")) }()
			synctest.Wait()
			if stats := s.Stats(); stats.Waiting != 1 || stats.Alive != 1 {
				t.Errorf("stats are %+v", stats)
			}
			return nil
		}), nil)
		wantErr(t, <-refused, stateless.ErrClosed)
		r.want(t, "a: work", "a ends",
			"a failed: stateless: 1 events not received: "+parley.ErrFinished.Error())
	})
}

func TestB89_RunTwiceAtOnce(t *testing.T) {
	for name, text := range map[string]string{"handle runs": "1", "an instance ends": "long"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := new(recorder)
				s := stateless.New(parley.AppFunc(r.listen), stateless.Options{Failed: r.failed})
				ended := make(chan error)
				go func() {
					ended <- s.Run(t.Context(), func(ctx context.Context) error {
						deliver(t, ctx, s, "a", text)
						time.Sleep(time.Second)
						return nil
					})
				}()
				synctest.Wait()
				if text == "long" {
					time.Sleep(time.Minute) // the instance has an hour to go
				}
				func() {
					defer func() {
						if got := fmt.Sprint(recover()); got != "stateless: Run of a Server that runs" {
							t.Errorf("panicked with %q", got)
						}
					}()
					_ = s.Run(t.Context(), func(context.Context) error { return nil })
				}()
				wantErr(t, <-ended, nil)
			})
		})
	}
}

// B91: an instance that fails is gone at once, and that is told once.
func TestB91_FailuresAreToldOnce(t *testing.T) {
	for name, c := range map[string]struct {
		end  func() error
		want string
	}{
		"error":       {func() error { return errTest }, "test"},
		"panic":       {func() error { panic("no") }, "no"},
		"exit":        {func() error { runtime.Goexit(); return nil }, "exit"},
		"nil pointer": {func() error { var err *net.OpError; return err }, "OpError"},
	} {
		t.Run(name, func(t *testing.T) {
			var told []string
			options := stateless.Options{Failed: func(name string, err error) {
				told = append(told, name+": "+err.Error())
			}}
			app := func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
				if _, err := conn.Receive(ctx); err != nil {
					return err
				}
				return c.end()
			}
			serveApp(t, parley.AppFunc(app), options, func(
				t *testing.T, ctx context.Context, s *stateless.Server,
			) {
				begin := time.Now()
				for range 2 {
					deliver(t, ctx, s, "x", "1")
					synctest.Wait()
				}
				if len(told) != 2 || !strings.HasPrefix(told[0], "x: ") ||
					!strings.Contains(told[0], c.want) {
					t.Errorf("told %q", told)
				}
				if stats := s.Stats(); stats.Failed != 2 || stats.Begun != 2 || stats.Alive != 0 {
					t.Errorf("stats are %+v", stats)
				}
				if took := time.Since(begin); took != 0 {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

// B91: a clean end is no failure.
func TestB91_CleanEnds(t *testing.T) {
	serve(t, stateless.Options{}, func(
		t *testing.T, ctx context.Context, s *stateless.Server, r *recorder,
	) {
		deliver(t, ctx, s, "x", "leave")
		r.want(t, "x: leave")
		deliver(t, ctx, s, "x", "1")
		r.want(t, "x: 1")
		if stats := s.Stats(); stats.Failed != 0 || stats.Begun != 2 {
			t.Errorf("stats are %+v", stats)
		}
	})
}

// B91: by default a line is written, also where Failed fails itself.
func TestB91_FailuresAreLogged(t *testing.T) {
	for name, failed := range map[string]func(string, error){
		"default": nil,
		"panics":  func(string, error) { panic("hook") },
		"exits":   func(string, error) { runtime.Goexit() },
	} {
		t.Run(name, func(t *testing.T) {
			var lines strings.Builder
			options := stateless.Options{
				Failed: failed, Logger: slog.New(slog.NewTextHandler(&lines, nil)),
			}
			app := func(context.Context, *parley.Scope, parley.Conn) error { panic(errTest) }
			serveApp(t, parley.AppFunc(app), options, func(
				t *testing.T, ctx context.Context, s *stateless.Server,
			) {
				deliver(t, ctx, s, "x", "1")
				synctest.Wait()
			})
			for _, word := range []string{"name=x", "test", "stack="} {
				if !strings.Contains(lines.String(), word) {
					t.Errorf("no %q in %q", word, lines.String())
				}
			}
		})
	}
}
