package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/router"
)

// quiet are options for a free port.
func quiet() Options {
	return Options{Addr: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)}
}

// diary is written by apps on several goroutines.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

func (d *diary) hooks(name string) parley.LifespanHooks {
	return parley.LifespanHooks{
		Startup:  func(context.Context) error { d.note(name + " starts"); return nil },
		Shutdown: func(context.Context) error { d.note(name + " stops"); return nil },
	}
}

type greeting string

func TestLifeOfAProcess(t *testing.T) {
	var d diary
	hooks := d.hooks("database")
	hooks.Startup = func(ctx context.Context) error {
		d.note("database starts")
		return parley.Publish(ctx, greeting("hello"))
	}
	routes := new(router.URLs)
	routes.Handle("/", parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if scope.Protocol != parley.HTTP {
			return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
		}
		text, _ := parley.Published[greeting](ctx)
		return parley.Respond(ctx, conn, 200, nil, []byte(text))
	}))
	app := router.Protocols{parley.HTTP: routes, parley.Lifespan: hooks}
	s := New(app, quiet())
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := get(t, s, "/"); got != "200 hello" {
		t.Errorf("the answer is %q", got)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if got, want := d.read(), []string{"database starts", "database stops"}; !slices.Equal(got, want) {
		t.Errorf("the app saw %q, want %q", got, want)
	}
	if err := s.Start(t.Context()); err == nil {
		t.Error("a server starts twice")
	}
}

// get asks the server once, without keeping the connection.
func get(t *testing.T, s *Server, path string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.Addr().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Status[:3] + " " + string(body)
}

// follow is an app that waits for the end of its conversation and says why.
func follow(d *diary) parley.App {
	return parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		_, err := ws.Read(ctx)
		d.note(context.Cause(ctx).Error())
		return err
	})
}

func dial(t *testing.T, s *Server) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+s.Addr().String()+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestDrain(t *testing.T) {
	var d diary
	s := New(follow(&d), quiet())
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn := dial(t, s)
	closed := make(chan error, 1)
	go func() {
		_, _, err := conn.ReadMessage()
		conn.Close() // as a client does that was told to go
		closed <- err
	}()
	report, err := s.Drain(t.Context())
	if err != nil || report.Cut {
		t.Errorf("drain: %+v, %v", report, err)
	}
	if err := <-closed; !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
		t.Errorf("the client got %v", err)
	}
	if got, want := d.read(), []string{parley.ErrDraining.Error()}; !slices.Equal(got, want) {
		t.Errorf("the app saw %q, want %q", got, want)
	}
	if again, err := s.Drain(t.Context()); err != nil || again != report {
		t.Errorf("drained again: %+v, %v", again, err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDrainCutsWhatIsLeft(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if scope.Protocol != parley.HTTP {
			return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
		}
		close(entered)
		<-leave
		return nil
	})
	s := New(app, quiet())
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 1)
	go func() { asked <- get(t, s, "/") }()
	<-entered
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errDrainTimeout)
	report, err := s.Drain(ctx)
	if !report.Cut || !errors.Is(err, errDrainTimeout) {
		t.Errorf("drain: %+v, %v", report, err)
	}
	if got := <-asked; !strings.Contains(got, "EOF") {
		t.Errorf("the client got %q", got)
	}
	close(leave)
}

func TestRun(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(s *Server, cancel context.CancelFunc, signals chan<- os.Signal)
	}{
		{"context", func(_ *Server, cancel context.CancelFunc, _ chan<- os.Signal) { cancel() }},
		{"signal", func(_ *Server, _ context.CancelFunc, signals chan<- os.Signal) { signals <- syscall.SIGTERM }},
		{"asked from within", func(s *Server, _ context.CancelFunc, _ chan<- os.Signal) { s.members.Ask() }},
		{"asked, and then a signal", func(s *Server, _ context.CancelFunc, signals chan<- os.Signal) {
			s.members.Ask()
			signals <- syscall.SIGTERM // the first one does not abort
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			signals := make(chan os.Signal, 2)
			var d diary
			s := New(d.hooks("app"), quiet())
			ended := make(chan error, 1)
			go func() { ended <- s.run(ctx, signals) }()
			await(t, func() bool { return s.ready.wanted.Load() })
			test.end(s, cancel, signals)
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if got, want := d.read(), []string{"app starts", "app stops"}; !slices.Equal(got, want) {
				t.Errorf("the app saw %q, want %q", got, want)
			}
		})
	}
}

func await(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen")
		}
	}
}

func TestToldToStopDuringStartUp(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(cancel context.CancelFunc, signals chan<- os.Signal)
	}{
		{"context", func(cancel context.CancelFunc, _ chan<- os.Signal) { cancel() }},
		{"signal", func(_ context.CancelFunc, signals chan<- os.Signal) { signals <- os.Interrupt }},
	} {
		t.Run(test.name, func(t *testing.T) {
			began := make(chan struct{})
			s := New(parley.LifespanHooks{Startup: func(ctx context.Context) error {
				close(began)
				<-ctx.Done()
				return context.Cause(ctx)
			}}, quiet())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			signals := make(chan os.Signal, 2)
			ended := make(chan error, 1)
			go func() { ended <- s.run(ctx, signals) }()
			<-began
			test.end(cancel, signals)
			if err := <-ended; err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
}

func TestSecondSignalAborts(t *testing.T) {
	interrupt := func(_ context.CancelFunc, signals chan<- os.Signal) { signals <- os.Interrupt }
	for name, first := range map[string]func(context.CancelFunc, chan<- os.Signal){
		"after a signal": interrupt,
		"after a signal that has ended the context, too": func(cancel context.CancelFunc, signals chan<- os.Signal) {
			cancel()
			interrupt(nil, signals)
		},
	} {
		t.Run(name, func(t *testing.T) {
			stopping := make(chan struct{})
			s := New(parley.LifespanHooks{Shutdown: func(ctx context.Context) error {
				close(stopping)
				<-ctx.Done()
				return nil
			}}, quiet())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			signals := make(chan os.Signal) // both are taken in turn
			ended := make(chan error, 1)
			go func() { ended <- s.run(ctx, signals) }()
			await(t, func() bool { return s.ready.wanted.Load() })
			first(cancel, signals)
			<-stopping
			select {
			case err := <-ended:
				t.Fatalf("one signal has aborted: %v", err)
			case signals <- os.Interrupt:
			}
			if err := <-ended; !errors.Is(err, ErrAborted) {
				t.Errorf("run: %v, want %v", err, ErrAborted)
			}
		})
	}
}

func TestReadiness(t *testing.T) {
	options := quiet()
	options.HealthPath, options.ReadyPath, options.ReadyDelay = "/healthz", "/readyz", time.Hour
	s := New(parley.LifespanHooks{}, options)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect := func(path, want string) {
		t.Helper()
		if got := get(t, s, path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	expect("/healthz", "200 ok\n")
	expect("/readyz", "200 ready\n")
	ctx, cancel := context.WithCancel(t.Context())
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		s.Drain(ctx)
	}()
	await(t, func() bool { return !s.ready.wanted.Load() })
	expect("/healthz", "200 ok\n")
	expect("/readyz", "503 not ready\n")
	cancel()
	<-drained
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
