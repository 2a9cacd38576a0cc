package router_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/router"
)

// process is the server's side of a lifespan conversation.
type process struct {
	told chan parley.Event
	said chan parley.Event
}

func (p *process) Receive(ctx context.Context) (parley.Event, error) {
	select {
	case event := <-p.told:
		return event, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p *process) Send(_ context.Context, event parley.Event) error {
	p.said <- event
	return nil
}

// life runs app from start-up to shutdown, if it comes to that, and returns
// what it answered and returned.
func life(t *testing.T, app parley.App) (answers []parley.Event, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &process{make(chan parley.Event, 2), make(chan parley.Event, 2)}
		p.told <- parley.LifespanStartup{}
		done := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			defer close(done)
			defer func() {
				if value := recover(); value != nil {
					err = fmt.Errorf("panic: %w", value.(error))
				}
			}()
			err = app.Serve(ctx, &parley.Scope{Protocol: parley.Lifespan}, p)
		}()
		synctest.Wait()
		p.told <- parley.LifespanShutdown{}
		synctest.Wait()
		select {
		case <-done:
		default:
			t.Error("the router has not returned")
			cancel()
			<-done
		}
		close(p.said)
		for event := range p.said {
			answers = append(answers, event)
		}
	})
	return answers, err
}

// logbook makes apps that note what they hear. When a context ends they may do
// so at once.
type logbook struct {
	mu    sync.Mutex
	lines []string
}

func (l *logbook) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// app returns an app that answers start-up and shutdown with the events given.
// With a nil answer it returns err instead.
func (l *logbook) app(name string, up, down parley.Event, err error) parley.App {
	return parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		defer l.note("%s returns", name)
		for _, answer := range []parley.Event{up, down} {
			event, receiveErr := conn.Receive(ctx)
			if receiveErr != nil {
				return receiveErr
			}
			l.note("%s hears %s", name, strings.TrimPrefix(event.EventType(), "lifespan."))
			if answer == nil {
				return err
			}
			if sendErr := conn.Send(ctx, answer); sendErr != nil {
				return sendErr
			}
		}
		_, receiveErr := conn.Receive(ctx) // blocks until the end
		return receiveErr
	})
}

// good returns an app that starts and shuts down.
func (l *logbook) good(name string) parley.App {
	return l.app(name, parley.LifespanStartupComplete{}, parley.LifespanShutdownComplete{}, nil)
}

var (
	started    = parley.LifespanStartupComplete{}
	stopped    = parley.LifespanShutdownComplete{}
	notStarted = parley.LifespanStartupFailed{Message: "no database"}
	notStopped = parley.LifespanShutdownFailed{Message: "stuck"}
	errBoom    = errors.New("boom")
)

func TestLifespan(t *testing.T) {
	unsupported := &parley.UnsupportedProtocolError{Protocol: parley.Lifespan}
	for _, test := range []struct {
		name    string
		apps    func(l *logbook) []parley.App
		answers []parley.Event
		lines   []string
		err     error
	}{
		{
			name:    "A8 up in order and down in reverse",
			apps:    func(l *logbook) []parley.App { return []parley.App{l.good("a"), l.good("b")} },
			answers: []parley.Event{started, stopped},
			lines: []string{"a hears startup", "b hears startup",
				"b hears shutdown", "b returns", "a hears shutdown", "a returns"},
		},
		{
			name: "A8 an app without lifespan is left out",
			apps: func(l *logbook) []parley.App {
				return []parley.App{l.app("a", nil, nil, unsupported), l.good("b"),
					l.app("c", nil, nil, errBoom), l.app("d", nil, nil, nil)}
			},
			answers: []parley.Event{started, stopped},
			lines: []string{"a hears startup", "a returns", "b hears startup", "c hears startup",
				"c returns",
				"d hears startup", "d returns", "b hears shutdown", "b returns"},
		},
		{
			name:  "A8 nobody takes part",
			apps:  func(l *logbook) []parley.App { return []parley.App{l.app("a", nil, nil, unsupported)} },
			lines: []string{"a hears startup", "a returns"},
			err:   errors.ErrUnsupported,
		},
		{
			name: "A8 nobody takes part, for a reason",
			apps: func(l *logbook) []parley.App {
				return []parley.App{l.app("a", nil, nil, unsupported), l.app("b", nil, nil, errBoom)}
			},
			lines: []string{"a hears startup", "a returns", "b hears startup", "b returns"},
			err:   errBoom,
		},
		{
			name: "A8 a failed start stops the start",
			apps: func(l *logbook) []parley.App {
				return []parley.App{l.good("a"), l.good("b"), l.app("c", notStarted, nil, errBoom), l.good("d")}
			},
			answers: []parley.Event{notStarted},
			lines: []string{"a hears startup", "b hears startup", "c hears startup", "c returns",
				"b hears shutdown", "b returns", "a hears shutdown", "a returns"},
		},
		{
			name: "A8 failures at shutdown are joined",
			apps: func(l *logbook) []parley.App {
				return []parley.App{l.app("a", started, notStopped, nil), l.good("b"),
					l.app("c", started, nil, errBoom)}
			},
			answers: []parley.Event{started, parley.LifespanShutdownFailed{Message: "boom\nstuck"}},
			lines: []string{"a hears startup", "b hears startup", "c hears startup",
				"c hears shutdown", "c returns", "b hears shutdown", "b returns", "a hears shutdown",
				"a returns"},
		},
		{
			name: "A8 failures at the shutdown of a failed start too",
			apps: func(l *logbook) []parley.App {
				return []parley.App{l.app("a", started, notStopped, nil), l.app("b", notStarted, nil, nil)}
			},
			answers: []parley.Event{parley.LifespanStartupFailed{Message: "no database\nstuck"}},
			lines: []string{"a hears startup", "b hears startup", "b returns", "a hears shutdown",
				"a returns"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var l logbook
			u := new(router.URLs)
			for i, app := range test.apps(&l) {
				u.Handle(fmt.Sprintf("/%d", i), app)
			}
			answers, err := life(t, u)
			if !slices.Equal(answers, test.answers) {
				t.Errorf("answers %+v, want %+v", answers, test.answers)
			}
			if !slices.Equal(l.lines, test.lines) {
				t.Errorf("log\n%s\nwant\n%s", strings.Join(l.lines, "\n"), strings.Join(test.lines, "\n"))
			}
			if !errors.Is(err, test.err) {
				t.Errorf("error %v, want %v", err, test.err)
			}
		})
	}
}

func TestLifespanOrderAndDistinctApps(t *testing.T) {
	var l logbook
	a, b, c := l.good("a"), l.good("b"), l.good("c")
	var u, inner router.URLs
	u.Handle("/a", a)
	u.Mount("/inner", &inner)
	u.Handle("/again", a)
	u.NotFound = l.good("none")
	inner.Handle("/b", b)
	inner.Handle("/a", a)
	p := router.Protocols{
		parley.Channel:   c,
		parley.WebSocket: &u,
		parley.HTTP:      &u,
		parley.Lifespan:  l.good("first"),
	}
	if answers, err := life(t, p); err != nil || len(answers) != 2 {
		t.Fatal(answers, err)
	}
	var heard []string
	for _, line := range l.lines {
		if name, ok := strings.CutSuffix(line, " hears startup"); ok {
			heard = append(heard, name)
		}
	}
	if want := []string{"first", "a", "b", "none", "c"}; !slices.Equal(heard, want) {
		t.Errorf("heard %v, want %v", heard, want)
	}
}

// incomparable is an app that == panics for.
type incomparable struct {
	parley.App
	_ []int
}

func TestLifespanIdentity(t *testing.T) {
	var l logbook
	same := router.Protocols{parley.HTTP: l.good("map")}
	one := func(name string) parley.App { return l.good(name) } // closures of one literal
	u := new(router.URLs)
	for i, app := range []parley.App{same, same, one("f"), one("g"), incomparable{App: one("h")},
		&incomparable{App: one("i")}} {
		u.Handle(fmt.Sprintf("/%d", i), app)
	}
	if _, err := life(t, u); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(strings.Join(l.lines, "\n"), "startup"); got != 5 {
		t.Errorf("%d apps heard of start-up, want 5:\n%s", got, strings.Join(l.lines, "\n"))
	}
}

func TestLifespanOfEmptyRouter(t *testing.T) {
	for _, app := range []parley.App{new(router.URLs), router.Protocols{}, router.Protocols(nil)} {
		if answers, err := life(t, app); !errors.Is(err, errors.ErrUnsupported) || answers != nil {
			t.Errorf("%T: %v, %v", app, answers, err)
		}
	}
}

// The context of the server ends while the third app starts, while all run, and
// while the first one that stops does.
func TestLifespanContextEnds(t *testing.T) {
	cause := errors.New("server died")
	deaf := func(l *logbook, name, deafTo string) parley.App {
		return parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
			defer l.note("%s returns", name)
			for {
				event, err := conn.Receive(ctx)
				if err != nil {
					return err
				}
				if event.EventType() == deafTo {
					<-ctx.Done()
					return context.Cause(ctx)
				}
				if err := conn.Send(ctx, started); err != nil {
					return err
				}
			}
		})
	}
	for _, deafTo := range []string{"lifespan.startup", "nothing", "lifespan.shutdown"} {
		t.Run(deafTo, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l logbook
				u := new(router.URLs)
				u.Handle("/a", l.good("a"))
				u.Handle("/b", l.good("b"))
				u.Handle("/c", deaf(&l, "c", deafTo))
				p := &process{make(chan parley.Event, 2), make(chan parley.Event, 2)}
				p.told <- parley.LifespanStartup{}
				ctx, cancel := context.WithCancelCause(t.Context())
				result := make(chan error)
				go func() { result <- u.Serve(ctx, &parley.Scope{Protocol: parley.Lifespan}, p) }()
				synctest.Wait()
				if deafTo == "lifespan.shutdown" {
					p.told <- parley.LifespanShutdown{}
					synctest.Wait()
				}
				cancel(cause)
				if err := <-result; !errors.Is(err, cause) {
					t.Errorf("error %v", err)
				}
				if got := strings.Count(strings.Join(l.lines, "\n"), "returns"); got != 3 {
					t.Errorf("%d apps have returned, want 3:\n%s", got, strings.Join(l.lines, "\n"))
				}
			})
		})
	}
}

// Channels hear of the lifespan in the order of their names; a function that is not
// there is a mistake that the start finds.
func TestLifespanOfChannels(t *testing.T) {
	var l logbook
	b, a := l.good("b"), l.good("a")
	answers, err := life(t, router.Channels{"b": b, "a": a, "c": nil, "again": a})
	want := []string{"a hears startup", "b hears startup",
		"b hears shutdown", "b returns", "a hears shutdown", "a returns"}
	if err != nil || len(answers) != 2 || !slices.Equal(l.lines, want) {
		t.Errorf("%v, %v, %q", answers, err, l.lines)
	}
	for name, app := range map[string]parley.App{
		"Channels":  router.Channels{"a": parley.AppFunc(nil)},
		"Protocols": router.Protocols{parley.HTTP: parley.AppFunc(nil)},
		"Methods":   router.Methods{Get: parley.AppFunc(nil)},
		"NotFound":  &router.URLs{NotFound: parley.AppFunc(nil)},
	} {
		message := mustPanic(t, func() {
			_ = app.Serve(t.Context(), &parley.Scope{Protocol: parley.Lifespan}, new(tape))
		})
		if message != "router: an app is a nil function" {
			t.Errorf("%s: %q", name, message)
		}
	}
}
