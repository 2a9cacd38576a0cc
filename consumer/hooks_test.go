package consumer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/parleytest"
)

var errTest = errors.New("test")

// How a connection can end: what the client sees, and what Disconnect is told,
// once.
func TestDisconnect(t *testing.T) {
	hooks := func(err error) func(context.Context, *consumer.Conn, parley.WebSocketReceive) error {
		return func(context.Context, *consumer.Conn, parley.WebSocketReceive) error { return err }
	}
	for _, test := range []struct {
		name  string
		room  *room
		act   func(*parleytest.Socket)
		code  parley.CloseCode
		cause error
	}{
		{"B2.8 peer says goodbye", &room{}, func(s *parleytest.Socket) { s.Close(3001, "done") }, 3001,
			&parley.CloseError{}},
		{"B2.8 peer vanishes", &room{}, func(s *parleytest.Socket) { s.Accept(); s.Vanish() }, 1006,
			parley.ErrDisconnected},
		{"E11 drain", &room{}, func(s *parleytest.Socket) { s.Accept(); s.Fail(parley.ErrDraining) },
			1012, parley.ErrDraining},
		{"B2.5 ErrStop", &room{receive: hooks(consumer.ErrStop)}, say("x"), 1000, parley.ErrFinished},
		{"E6 handler error", &room{receive: hooks(errTest)}, say("x"), 1011, errTest},
		{"E6 own close code", &room{receive: hooks(&parley.CloseError{Code: 4000, Reason: "no"})},
			say("x"), 4000, &parley.CloseError{}},
		{"B2.12 handler panic", &room{receive: panics}, say("x"), 1011, parley.ErrAppPanic},
		{"B2.8 own close", &room{receive: closes}, say("x"), 4001, parley.ErrClosed},
		{"B2.9 deny", &room{connect: denies}, refused, 1006, consumer.ErrDenied},
		{"B2.9 connect fails", &room{connect: failsToConnect}, refused, 1006, errTest},
		{"B2.12 connect panics", &room{connect: panicsToConnect}, refused, 1006, parley.ErrAppPanic},
		{"E6 open fails", &room{open: failsToOpen}, nil, 1011, errTest},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := test.room
				app := consumer.New(r.factory)
				s := dial(t, app)
				if test.act != nil {
					test.act(s)
				}
				if code, _ := s.Closed(); code != test.code {
					t.Errorf("closed with %d, want %d", code, test.code)
				}
				s.Wait()
				if got := r.disconnects(); len(got) != 1 || !matches(got[0], test.cause) {
					t.Errorf("disconnected with %v, want once %v", got, test.cause)
				}
				if got := app.Stats(); got.Connections != 0 || got.Opened != 1 {
					t.Errorf("stats %+v", got)
				}
			})
		})
	}
}

func matches(got, want error) bool {
	if _, any := want.(*parley.CloseError); any {
		return errors.As(got, new(*parley.CloseError))
	}
	return errors.Is(got, want)
}

func say(text string) func(*parleytest.Socket) {
	return func(s *parleytest.Socket) { s.Send(parley.Text(text)) }
}

func refused(s *parleytest.Socket) { s.Accepted() }

func panics(context.Context, *consumer.Conn, parley.WebSocketReceive) error { panic("ouch") }

func closes(ctx context.Context, conn *consumer.Conn, _ parley.WebSocketReceive) error {
	return conn.Close(ctx, 4001, "enough")
}

func denies(context.Context, *consumer.Conn) (consumer.Answer, error) {
	return consumer.Deny(parley.WebSocketDeny{Status: 401, Body: []byte("who?")}), nil
}

func failsToConnect(context.Context, *consumer.Conn) (consumer.Answer, error) {
	return consumer.Answer{}, errTest
}

func panicsToConnect(context.Context, *consumer.Conn) (consumer.Answer, error) { panic("ouch") }

func failsToOpen(context.Context, *consumer.Conn) error { return errTest }

// B2.12: the client that leaves before its handshake is served has no consumer.
func TestLostBeforeConnect(t *testing.T) {
	made := 0
	app := consumer.New(func() *room { made++; return new(room) })
	conn := &script{events: []parley.Event{parley.WebSocketDisconnect{Cause: parley.ErrIdle}}}
	err := app.Serve(t.Context(), &parley.Scope{Protocol: parley.WebSocket}, conn)
	if !errors.Is(err, parley.ErrDisconnected) || !errors.Is(err, parley.ErrIdle) || made != 0 {
		t.Errorf("%v after %d values", err, made)
	}
}

// B2.12: a client that is lost while Connect decides.
func TestLostWhileConnecting(t *testing.T) {
	r := &room{}
	conn := &script{events: []parley.Event{parley.WebSocketConnect{}}, refuse: parley.ErrDisconnected}
	err := consumer.New(r.factory).Serve(t.Context(), &parley.Scope{Protocol: parley.WebSocket}, conn)
	if got := r.disconnects(); !errors.Is(err, parley.ErrDisconnected) || len(got) != 1 ||
		!errors.Is(got[0], parley.ErrDisconnected) {
		t.Errorf("%v, disconnected with %v", err, got)
	}
}

// The cause is never nil, whatever the conn says.
func TestCauseIsNeverNil(t *testing.T) {
	r := &room{}
	conn := &script{events: []parley.Event{parley.WebSocketConnect{}, parley.WebSocketDisconnect{}}}
	err := consumer.New(r.factory).Serve(t.Context(), &parley.Scope{Protocol: parley.WebSocket}, conn)
	got := r.disconnects()
	if len(got) != 1 || got[0] != parley.ErrDisconnected || !errors.Is(err, parley.ErrDisconnected) {
		t.Errorf("%v, disconnected with %v", err, got)
	}
}

// script is a conn that says its lines and refuses all it is sent.
type script struct {
	events []parley.Event
	refuse error
}

func (s *script) Receive(context.Context) (parley.Event, error) {
	if len(s.events) == 0 {
		return nil, errTest
	}
	event := s.events[0]
	s.events = s.events[1:]
	return event, nil
}

func (s *script) Send(context.Context, parley.Event) error { return s.refuse }

// B2.9: what Connect answers reaches the client.
func TestAnswers(t *testing.T) {
	r := &room{connect: func(_ context.Context, conn *consumer.Conn) (consumer.Answer, error) {
		return consumer.Accept(parley.WebSocketAccept{Subprotocol: conn.Scope().Subprotocols[1]}), nil
	}}
	s := parleytest.Dial(t, consumer.New(r.factory), request(), "v1", "v2")
	if got := s.Accept().Subprotocol; got != "v2" {
		t.Errorf("subprotocol %q", got)
	}

	denied := dial(t, consumer.New((&room{connect: denies}).factory)).Denial()
	if denied.Status != 401 || denied.Body != "who?" || denied.Err != nil {
		t.Errorf("%+v", denied)
	}

	r = &room{connect: func(context.Context, *consumer.Conn) (consumer.Answer, error) {
		return consumer.Answer{}, consumer.ErrStop
	}}
	if got := dial(t, consumer.New(r.factory)).Denial(); got.Status != 403 {
		t.Errorf("%+v", got)
	}

	r = &room{connect: func(context.Context, *consumer.Conn) (consumer.Answer, error) {
		return consumer.Deny(parley.WebSocketDeny{Status: 99}), nil
	}}
	got := dial(t, consumer.New(r.factory)).Denial()
	if got.Status != 500 || !errors.Is(got.Err, parley.ErrInvalidStatus) {
		t.Errorf("%+v", got)
	}
}

// B2.4: every client has a value of its own. B2.8: a consumer needs no hooks.
func TestOneValuePerClient(t *testing.T) {
	made := 0
	app := consumer.New(func() *int { made++; return new(int) })
	for range 3 {
		s := dial(t, app)
		s.Send(parley.Text("to nobody"))
		s.Close(parley.CloseNormal, "")
		s.Wait()
	}
	if got := app.Stats(); made != 3 || got.Ignored != 3 {
		t.Errorf("%d values, %+v", made, got)
	}
}

// E6: the context of Disconnect lives, has the connection's values, and ends.
func TestDisconnectContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var value any
		var before, after error
		r := &room{gone: func(ctx context.Context, _ *consumer.Conn) {
			before, value = ctx.Err(), ctx.Value(key{})
			<-ctx.Done()
			after = ctx.Err()
		}}
		request := request().WithContext(context.WithValue(t.Context(), key{}, "v"))
		s := parleytest.Dial(t, consumer.New(r.factory), request)
		s.Close(parley.CloseNormal, "")
		s.Wait()
		if before != nil || value != "v" || !errors.Is(after, context.DeadlineExceeded) {
			t.Errorf("%v, %v, %v", before, value, after)
		}
	})
}

// E7: a disconnect ends the context of a handler that runs.
func TestDisconnectInterruptsHandler(t *testing.T) {
	for _, cause := range []error{parley.ErrDraining, parley.ErrAuthExpired} {
		synctest.Test(t, func(t *testing.T) {
			var told error
			r := &room{receive: func(ctx context.Context, _ *consumer.Conn,
				_ parley.WebSocketReceive) error {
				<-ctx.Done()
				told = context.Cause(ctx)
				return nil
			}}
			s := dial(t, consumer.New(r.factory))
			s.Send(parley.Text("x"))
			synctest.Wait()
			s.Fail(cause)
			s.Wait()
			if !errors.Is(told, cause) || !errors.Is(r.disconnects()[0], cause) {
				t.Errorf("told %v and %v, want %v", told, r.disconnects(), cause)
			}
		})
	}
}
