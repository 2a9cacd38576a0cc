package consumer_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/internal/testlog"
)

func request() *http.Request { return httptest.NewRequest("GET", "/room", nil) }

// B2.1: a handler per type, on the consumer, decoded; others are forwarded.
func TestLayerHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t)
		r := &room{heard: func(ctx context.Context, conn *consumer.Conn, heard said) error {
			return conn.SendValue(ctx, said{"heard " + heard.Text})
		}}
		raw := func(_ *room, ctx context.Context, conn *consumer.Conn, m channel.Message) error {
			return conn.Send(ctx, parley.Text(string(m.Group())+" "+m.Type()))
		}
		app := consumer.New(r.factory, consumer.Options{Layer: layer, Groups: []channel.Group{"lobby"}},
			consumer.On("room.said", (*room).Heard), consumer.On("room.raw", raw),
			consumer.Forward("room.line", "room.note"))
		s := dial(t, app)
		s.Accept()
		synctest.Wait()
		broadcast(t, layer, "lobby", "room.said", `{"text":"a"}`)
		broadcast(t, layer, "lobby", "room.line", "b") // behind the one that is handled
		broadcast(t, layer, "lobby", "room.raw", "")
		broadcast(t, layer, "lobby", "room.note", "c")
		for _, want := range []string{`{"text":"heard a"}`, "b", "lobby room.raw", "c"} {
			if got := s.Receive().Text(); got != want {
				t.Errorf("received %q, want %q", got, want)
			}
		}
	})
}

// B2.2 and B2.3: types that no handler has, transport events among them, end
// nobody's connection, unless that is wished for.
func TestUnknownTypes(t *testing.T) {
	types := []string{"websocket.disconnect", "websocket.receive", "websocket.connect", "_private",
		"no.such"}
	for _, policy := range []consumer.UnknownPolicy{consumer.UnknownIgnore, consumer.UnknownLog,
		consumer.UnknownClose} {
		synctest.Test(t, func(t *testing.T) {
			layer := newLayer(t)
			log := new(testlog.Lines)
			r := &room{receive: func(context.Context, *consumer.Conn, parley.WebSocketReceive) error {
				t.Error("a layer message has passed for the client's")
				return nil
			}}
			app := consumer.New(r.factory, consumer.Options{
				Layer: layer, Groups: []channel.Group{"lobby"}, Unknown: policy, Logger: log.Logger(),
			})
			s := dial(t, app)
			s.Accept()
			synctest.Wait()
			for _, typ := range types {
				broadcast(t, layer, "lobby", typ, `{"code":1000,"text":"x"}`)
				synctest.Wait()
			}
			unknown := uint64(len(types))
			want := map[consumer.UnknownPolicy]int{consumer.UnknownIgnore: 1,
				consumer.UnknownLog: len(types)}[policy]
			if policy == consumer.UnknownClose {
				unknown = 1
				if code, _ := s.Closed(); code != parley.CloseInternalError || !errors.Is(s.Wait(),
					consumer.ErrUnknownMessage) {
					t.Errorf("closed with %d", code)
				}
			} else if !s.Quiet() {
				t.Error("something was sent")
			}
			if got := app.Stats().Unknown; got != unknown || log.Len() != want {
				t.Errorf("%d unknown, %d lines, want %d and %d", got, log.Len(), unknown, want)
			}
		})
	}
}

// B2.2: a message that cannot be decoded is as unknown as one without a handler.
func TestUndecodableLayerMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t)
		r := &room{heard: func(context.Context, *consumer.Conn,
			said) error {
			t.Error("called")
			return nil
		}}
		app := consumer.New(r.factory, consumer.On("room.said", (*room).Heard),
			consumer.Options{Layer: layer, Groups: []channel.Group{"lobby"}, Logger: silent})
		s := dial(t, app)
		s.Accept()
		synctest.Wait()
		broadcast(t, layer, "lobby", "room.said", "{")
		if !s.Quiet() || app.Stats().Unknown != 1 {
			t.Errorf("%+v", app.Stats())
		}
	})
}

// B2.10 and B2.11: groups are joined after accept, and left by themselves. E6:
// on every path.
func TestGroups(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer consumer.Answer
		err    error
		joined int
		end    parley.WebSocketSend
	}{
		{"accepted", accept, nil, 1, parley.Text("close")},
		{"error", accept, nil, 1, parley.Text("error")},
		{"panic", accept, nil, 1, parley.Text("panic")},
		{"denied", consumer.Deny(parley.WebSocketDeny{}), nil, 0, parley.WebSocketSend{}},
		{"failed", accept, errTest, 0, parley.WebSocketSend{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				layer := newLayer(t)
				r := &room{}
				r.connect = func(ctx context.Context, conn *consumer.Conn) (consumer.Answer, error) {
					if err := conn.Join(ctx, "wanted"); err != nil {
						t.Error(err)
					}
					if got := broadcast(t, layer, "lobby", "x", ""); got.Matched != 0 {
						t.Errorf("in the group before accept: %+v", got)
					}
					return test.answer, test.err
				}
				r.open = func(ctx context.Context, conn *consumer.Conn) error { return conn.Join(ctx, "late") }
				r.receive = endsAsTold
				var left channel.LayerStats
				r.gone = func(context.Context, *consumer.Conn) { left = layer.Stats() }
				s := dial(t, consumer.New(r.factory, consumer.Options{Layer: layer,
					Groups: []channel.Group{"lobby"}}))
				accepted := s.Accepted()
				synctest.Wait()
				for _, group := range []channel.Group{"lobby", "wanted", "late"} {
					if got := len(layer.Members(group)); got != test.joined {
						t.Errorf("%d in %s, want %d", got, group, test.joined)
					}
				}
				if accepted {
					s.Send(test.end)
				}
				s.Wait()
				if left.Members != 0 || left.Inboxes != 0 {
					t.Errorf("still there in Disconnect: %+v", left)
				}
			})
		})
	}
}

func endsAsTold(_ context.Context, _ *consumer.Conn, message parley.WebSocketReceive) error {
	switch message.Text() {
	case "close":
		return consumer.ErrStop
	case "error":
		return errTest
	}
	panic("ouch")
}

// B2.13 and B6.6: no layer, and names out of rule.
func TestJoinErrors(t *testing.T) {
	r := &room{open: func(ctx context.Context, conn *consumer.Conn) error {
		if err := conn.Join(ctx, "lobby"); !errors.Is(err, consumer.ErrNoLayer) {
			t.Errorf("join without a layer: %v", err)
		}
		if conn.Name() != "" || conn.Groups() != nil || conn.Layer() != nil {
			t.Error("a layer from nowhere")
		}
		conn.Leave("lobby")
		return consumer.ErrStop
	}}
	dial(t, consumer.New(r.factory)).Wait()
	layer := newLayer(t)
	r = &room{connect: func(ctx context.Context, conn *consumer.Conn) (consumer.Answer, error) {
		return consumer.Answer{}, conn.Join(ctx, "späti")
	}}
	if err := dial(t, consumer.New(r.factory,
		consumer.Options{Layer: layer})).Wait(); !errors.Is(err, channel.ErrName) {
		t.Errorf("%v", err)
	}
}

// E7 and E18: a kick ends handler and connection at once, with the code of its
// cause, and counts as a clean end.
func TestKick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t)
		var name channel.Name
		var told error
		r := &room{open: func(_ context.Context,
			conn *consumer.Conn) error {
			name = conn.Name()
			return nil
		}}
		r.receive = func(ctx context.Context, _ *consumer.Conn, _ parley.WebSocketReceive) error {
			<-ctx.Done()
			told = context.Cause(ctx)
			return nil
		}
		s := dial(t, consumer.New(r.factory, consumer.Options{Layer: layer}))
		s.Send(parley.Text("x"))
		synctest.Wait()
		if err := layer.Kick(t.Context(), name, parley.ErrAuthExpired); err != nil {
			t.Fatal(err)
		}
		code, _ := s.Closed()
		err := s.Wait()
		if code != parley.CloseUnauthorized || !errors.Is(err, parley.ErrDisconnected) ||
			!errors.Is(told, parley.ErrAuthExpired) || !errors.Is(r.disconnects()[0],
			parley.ErrAuthExpired) {
			t.Errorf("code %d, %v, told %v and %v", code, err, told, r.disconnects())
		}
	})
}

// E6: what a layer handler does to its connection.
func TestLayerHandlerEnds(t *testing.T) {
	for _, test := range []struct {
		text  string
		code  parley.CloseCode
		cause error
	}{
		{"close", 1000, parley.ErrFinished}, {"error", 1011, errTest}, {"panic", 1011,
			parley.ErrAppPanic},
	} {
		synctest.Test(t, func(t *testing.T) {
			layer := newLayer(t)
			r := &room{heard: func(ctx context.Context, conn *consumer.Conn, heard said) error {
				return endsAsTold(ctx, conn, parley.WebSocketReceive{Data: []byte(heard.Text)})
			}}
			s := dial(t, consumer.New(r.factory, consumer.On("room.said", (*room).Heard),
				consumer.Options{Layer: layer, Groups: []channel.Group{"lobby"}}))
			s.Accept()
			synctest.Wait()
			broadcast(t, layer, "lobby", "room.said", `{"text":"`+test.text+`"}`)
			if code, _ := s.Closed(); code != test.code {
				t.Errorf("%s: closed with %d", test.text, code)
			}
			s.Wait()
			if got := r.disconnects(); len(got) != 1 || !errors.Is(got[0], test.cause) {
				t.Errorf("%s: disconnected with %v", test.text, got)
			}
		})
	}
}

// B2.6: one handler at a time, whoever the message is from.
func TestSerial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t)
		running, most, total := 0, 0, 0 // not guarded: the race detector watches
		enter := func() {
			running++
			most, total = max(most, running), total+1
			running--
		}
		r := &room{
			receive: func(context.Context, *consumer.Conn,
				parley.WebSocketReceive) error {
				enter()
				return nil
			},
			heard: func(context.Context, *consumer.Conn, said) error { enter(); return nil },
		}
		s := dial(t, consumer.New(r.factory, consumer.On("room.said", (*room).Heard),
			consumer.Options{Layer: layer, Groups: []channel.Group{"lobby"}}))
		s.Accept()
		synctest.Wait()
		for range 100 {
			s.Send(parley.Text("x"))
			broadcast(t, layer, "lobby", "room.said", "{}")
		}
		s.Close(parley.CloseNormal, "")
		s.Wait()
		if most != 1 || total < 100 {
			t.Errorf("%d at once, %d in all", most, total)
		}
	})
}
