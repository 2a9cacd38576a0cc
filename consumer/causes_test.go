package consumer_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/parleytest"
)

// scene is a connection that is open, and is to end.
type scene struct {
	t      *testing.T
	socket *parleytest.Socket
	layer  *channel.Layer // the consumer's
	other  *channel.Layer // of another process
	name   channel.Name
	ctx    context.Context // of the hooks
	expire func()          // what a middleware's timer does
}

func (s *scene) kick(layer *channel.Layer, cause error) {
	if err := layer.Kick(context.Background(), s.name, cause); err != nil {
		s.t.Error(err)
	}
}

func kicked(cause error) func(*scene) {
	return func(s *scene) { s.kick(s.layer, cause) }
}

func kickedFromAfar(cause error) func(*scene) {
	return func(s *scene) { s.kick(s.other, cause) }
}

func broken(cause error) func(*scene) { return func(s *scene) { s.socket.Fail(cause) } }

func told(text string) func(*scene) {
	return func(s *scene) { s.socket.Send(parley.Text(text)) }
}

var goodbye = &parley.CloseError{Code: 4000, Reason: "enough"}

// causes are the ways in which an open connection ends.
var causes = []struct {
	name   string
	end    func(*scene)
	cause  error
	code   parley.CloseCode // that the client sees; 0 if nobody is there to see it
	reason string
	inside bool // a handler ends it, which has to have its turn
}{
	{"peer says goodbye", func(s *scene) { s.socket.Close(3001, "done") },
		&parley.CloseError{Code: 3001, Reason: "done"}, 3001, "", false},
	{"peer vanishes", func(s *scene) { s.socket.Vanish() }, parley.ErrDisconnected, 0, "", false},
	{"drain", broken(parley.ErrDraining), parley.ErrDraining, 1012, "", false},
	{"idle", broken(parley.ErrIdle), parley.ErrIdle, 1006, "", false},
	{"slow", broken(parley.ErrSlowConsumer), parley.ErrSlowConsumer, 1013, "", false},
	{"too old", broken(parley.ErrTooOld), parley.ErrTooOld, 1012, "", false},
	{"expiry", func(s *scene) { s.expire() }, parley.ErrAuthExpired, 4401, "", false},
	{"kick", kicked(parley.ErrAuthExpired), parley.ErrAuthExpired, 4401, "", false},
	{"kick with a reason", kicked(goodbye), goodbye, 4000, "enough", false},
	{"kick with an error", kicked(errTest), errTest, 1011, "", false},
	{"kick for nothing", kicked(nil), &parley.CloseError{Code: 1000}, 1000, "", false},
	{"kick as if gone", kicked(parley.ErrDisconnected), channel.ErrClosed, 1011, "", false},
	{"kick from afar", kickedFromAfar(parley.ErrAuthExpired), parley.ErrAuthExpired, 4401, "", false},
	{"kick from afar with a reason", kickedFromAfar(goodbye), goodbye, 4000, "enough", false},
	{"kick from afar with an error", kickedFromAfar(errTest), channel.ErrClosed, 1011, "", false},
	{"layer closes", func(s *scene) { _ = s.layer.Close(context.Background()) },
		parley.ErrDraining, 1012, "", false},
	{"ErrStop", told("stop"), parley.ErrFinished, 1000, "", true},
	{"handler's error", told("error"), errTest, 1011, "", true},
	{"handler's close", told("close"), parley.ErrClosed, 4001, "mine", true},
	{"handler's CloseError", told("goodbye"), goodbye, 4000, "enough", true},
	{"handler panics", told("panic"), parley.ErrAppPanic, 1011, "", true},
	{"handler exits", told("exit"), parley.ErrGoexit, 1011, "", true},
	{"unknown message", func(s *scene) { broadcast(s.t, s.layer, "lobby", "strange", "") },
		consumer.ErrUnknownMessage, 1011, "", false},
	{"handler of the layer's fails",
		func(s *scene) { broadcast(s.t, s.layer, "lobby", "line", `{"text":"error"}`) },
		errTest, 1011, "", true},
}

// The cause that Disconnect is told is the one of the hooks' contexts, and what the
// client is told belongs to it, always: whether a handler runs or not, and
// whatever a handler makes of it that was called away.
func TestCauses(t *testing.T) {
	times := 100
	if testing.Short() {
		times = 10
	}
	idle := func(context.Context) error { return nil }
	waits := map[string]func(context.Context) error{
		"idle":                 idle,
		"busy":                 func(ctx context.Context) error { <-ctx.Done(); return nil },
		"busy and returns err": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"busy and returns cause": func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		},
	}
	for state, wait := range waits {
		for _, test := range causes {
			if test.inside && state != "idle" {
				continue
			}
			t.Run(test.name+"/"+state, func(t *testing.T) {
				for range times {
					s, r := act(t, wait)
					test.end(s)
					if test.code != 0 {
						if code, reason := s.socket.Closed(); code != test.code || reason != test.reason {
							t.Fatalf("closed with %d %q, want %d %q", code, reason, test.code, test.reason)
						}
					}
					s.socket.Wait()
					got := r.disconnects()
					if len(got) != 1 || got[0] != context.Cause(s.ctx) || !same(got[0], test.cause) {
						t.Fatalf("disconnected with %v, the context with %v, want %v",
							got, context.Cause(s.ctx), test.cause)
					}
				}
			})
		}
	}
}

// same compares what a CloseError says.
func same(got, want error) bool {
	if want, ok := want.(*parley.CloseError); ok {
		var said *parley.CloseError
		return errors.As(got, &said) && *said == *want
	}
	return errors.Is(got, want)
}

// act opens a connection whose handler waits.
func act(t *testing.T, wait func(context.Context) error) (*scene, *room) {
	broker := new(channel.Broker)
	s := &scene{t: t}
	s.layer = channel.New(channel.Options{Transport: broker.Connect(), Logger: silent})
	s.other = channel.New(channel.Options{Transport: broker.Connect(), Logger: silent})
	t.Cleanup(func() {
		_ = s.layer.Close(context.Background())
		_ = s.other.Close(context.Background())
	})
	opened := make(chan struct{})
	r := &room{}
	r.open = func(ctx context.Context, conn *consumer.Conn) error {
		s.ctx, s.name = ctx, conn.Name()
		close(opened)
		return nil
	}
	r.heard = func(ctx context.Context, conn *consumer.Conn, heard said) error {
		return receivesAsTold(ctx, conn, parley.WebSocketReceive{Data: []byte(heard.Text)})
	}
	waiting := make(chan struct{})
	r.receive = func(ctx context.Context, conn *consumer.Conn, message parley.WebSocketReceive) error {
		if message.Text() == "wait" {
			close(waiting)
			return wait(ctx)
		}
		return receivesAsTold(ctx, conn, message)
	}
	app := consumer.New(r.factory, consumer.On("line", (*room).Heard), consumer.Options{
		Layer: s.layer, Groups: []channel.Group{"lobby"}, Unknown: consumer.UnknownClose, Logger: silent,
	})
	s.socket = dial(t, s.expiring(app))
	<-opened
	s.socket.Send(parley.Text("wait"))
	<-waiting
	return s, r
}

// expiring is a middleware that can end a conversation, as those do that watch
// over a login.
func (s *scene) expiring(next parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		s.expire = func() {
			cancel(parley.ErrAuthExpired)
			_ = conn.Send(context.WithoutCancel(ctx), parley.WebSocketClose{Code: parley.CloseUnauthorized})
		}
		return next.Serve(ctx, scope, conn)
	})
}

func receivesAsTold(
	ctx context.Context, conn *consumer.Conn, message parley.WebSocketReceive,
) error {
	switch message.Text() {
	case "stop":
		return consumer.ErrStop
	case "error":
		return errTest
	case "close":
		return conn.Close(ctx, 4001, "mine")
	case "goodbye":
		return goodbye
	case "exit":
		runtime.Goexit()
	}
	panic("ouch")
}
