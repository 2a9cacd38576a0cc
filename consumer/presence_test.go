package consumer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/internal/testlog"
	"github.com/parleygo/parley/parleytest"
)

// guest is a consumer that is seen in a room, by what its client is called.
func guest(group channel.Group) func() *room {
	return func() *room {
		return &room{
			connect: func(ctx context.Context, conn *consumer.Conn) (consumer.Answer, error) {
				name := conn.Scope().Request.URL.Query().Get("name")
				_, err := conn.Enter(ctx, group, name)
				return accept, err
			},
			receive: func(ctx context.Context, conn *consumer.Conn,
				message parley.WebSocketReceive) error {
				switch text := message.Text(); text {
				case "exit":
					conn.Exit(group)
				case "who":
					conn.SendPresent(group)
				default:
					member, err := conn.Enter(ctx, group, text)
					if string(member.Show) != `"`+text+`"` || member.ID == "" {
						return fmt.Errorf("%+v: %w", member, err)
					}
				}
				return nil
			},
		}
	}
}

// seen is who a client knows to be there, by what it was sent.
type seen map[string]string

// take takes one message.
func (s seen) take(t *testing.T, text string) {
	t.Helper()
	var news struct {
		Type, Member string
		Show         string
		Members      []struct{ Member, Show string }
	}
	if err := json.Unmarshal([]byte(text), &news); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	switch news.Type {
	case "presence.state":
		clear(s)
		for _, member := range news.Members {
			s[member.Member] = member.Show
		}
	case "presence.join":
		s[news.Member] = news.Show
	case "presence.leave":
		delete(s, news.Member)
	case "parley.position":
	default:
		t.Errorf("received %s", text)
	}
}

func (s seen) names() string {
	var names []string
	for _, name := range s {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// A client knows at any time who is there, from what it is sent.
func TestPresence(t *testing.T) {
	for _, group := range []channel.Group{"room", "kept.room"} {
		synctest.Test(t, func(t *testing.T) {
			layer := keeping(t, 10)
			app := consumer.New(guest(group), consumer.Forward("line"), consumer.Options{Layer: layer})
			comes := func(name string) *parleytest.Socket {
				r := request()
				r.URL.RawQuery = "name=" + name
				s := parleytest.Dial(t, app, r)
				s.Accept()
				synctest.Wait()
				return s
			}
			knows := map[*parleytest.Socket]seen{}
			check := func(want string) {
				t.Helper()
				synctest.Wait()
				for s, known := range knows {
					for {
						message, ok := s.ReceiveWithin(1)
						if !ok {
							break
						}
						known.take(t, message.Text())
					}
					if got := known.names(); got != want {
						t.Errorf("one knows of %q, want %q", got, want)
					}
				}
			}
			ann := comes("ann")
			knows[ann] = seen{}
			check("ann")
			bob := comes("bob")
			knows[bob] = seen{}
			check("ann bob")
			bob.Send(parley.Text("robert"))
			check("ann robert")
			ann.Send(parley.Text("exit"))
			check("robert")
			ann.Send(parley.Text("who"))
			check("robert")
			ann.Send(parley.Text("anna"))
			check("anna robert")
			bob.Vanish()
			delete(knows, bob)
			bob.Wait()
			check("anna")
			ann.Close(parley.CloseNormal, "")
			ann.Wait()
			if got, err := layer.Present(t.Context(), group); err != nil || len(got) != 0 {
				t.Errorf("%v are there, %v", got, err)
			}
		})
	}
}

// Clients without a socket know as much.
func TestPresenceByAllTransports(t *testing.T) {
	for name, comes := range transports {
		t.Run(name, func(t *testing.T) {
			layer := newLayer(t)
			r := &room{connect: func(ctx context.Context, conn *consumer.Conn) (consumer.Answer, error) {
				_, err := conn.Enter(ctx, "room", "ann")
				return accept, err
			}}
			app := consumer.New(r.factory, consumer.Forward("line"), consumer.Options{Layer: layer})
			l, knows := comes(t, app, ""), seen{}
			until := func(want string) {
				for knows.names() != want {
					knows.take(t, l.next())
				}
			}
			until("ann")
			bob, err := layer.Open(t.Context(), channel.InboxOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := bob.Enter(t.Context(), "room", "bob"); err != nil {
				t.Fatal(err)
			}
			until("ann bob")
			bob.Close()
			until("ann")
			l.leave()
		})
	}
}

// What can be wrong with it.
func TestPresenceMistakes(t *testing.T) {
	layer := newLayer(t)
	for _, test := range []struct {
		group   channel.Group
		show    any
		options consumer.Options
		want    error
	}{
		{"room", "x", consumer.Options{}, consumer.ErrNoLayer},
		{"a b", "x", consumer.Options{Layer: layer}, new(channel.NameError)},
		{"room", func() {}, consumer.Options{Layer: layer}, new(json.UnsupportedTypeError)},
	} {
		r := &room{open: func(ctx context.Context, conn *consumer.Conn) error {
			conn.Exit(test.group)
			_, err := conn.Enter(ctx, test.group, test.show)
			if test.want == consumer.ErrNoLayer {
				conn.SendPresent(test.group)
			}
			if errors.As(err, new(*channel.NameError)) || errors.As(err, new(*json.UnsupportedTypeError)) {
				return consumer.ErrStop
			}
			if !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			return consumer.ErrStop
		}}
		s := dial(t, consumer.New(r.factory, test.options))
		if err := s.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// Who leaves again before it is accepted was never there, and who is denied never is.
func TestPresenceInConnect(t *testing.T) {
	layer := newLayer(t)
	for _, test := range []struct {
		name   string
		after  func(conn *consumer.Conn) (consumer.Answer, error)
		groups int
	}{
		{"exit", func(conn *consumer.Conn) (consumer.Answer, error) {
			conn.Exit("room")
			return accept, nil
		}, 1},
		{"leave", func(conn *consumer.Conn) (consumer.Answer, error) {
			conn.Leave("room")
			return accept, nil
		}, 0},
		{"deny", func(*consumer.Conn) (consumer.Answer, error) {
			return consumer.Deny(parley.WebSocketDeny{}), nil
		}, 0},
	} {
		r := &room{
			connect: func(ctx context.Context, conn *consumer.Conn) (consumer.Answer, error) {
				member, err := conn.Enter(ctx, "room", "x")
				if err != nil || member.ID != "" {
					t.Errorf("%s: %+v, %v", test.name, member, err)
				}
				return test.after(conn)
			},
			open: func(_ context.Context, conn *consumer.Conn) error {
				if got := conn.Groups(); len(got) != test.groups {
					t.Errorf("%s: in %v", test.name, got)
				}
				if got, err := layer.Present(t.Context(), "room"); len(got) != 0 || err != nil {
					t.Errorf("%s: %v are there, %v", test.name, got, err)
				}
				return consumer.ErrStop
			},
		}
		s := dial(t, consumer.New(r.factory, consumer.Forward("line"), consumer.Options{Layer: layer}))
		if s.Accepted() == (test.name == "deny") {
			t.Errorf("%s: accepted", test.name)
		}
		s.Wait()
	}
}

// Where nobody knows who is there, the log says so, and the client lives.
func TestPresenceUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(testlog.Lines)
		layer := channel.New(channel.Options{})
		r := &room{receive: func(ctx context.Context, conn *consumer.Conn,
			_ parley.WebSocketReceive) error {
			conn.SendPresent("a b")
			return nil
		}}
		s := dial(t, consumer.New(r.factory, consumer.Options{Layer: layer, Logger: log.Logger()}))
		s.Send(parley.Text("who"))
		if !s.Quiet() || log.Len() != 1 || !strings.Contains(log.String(), "presence") {
			t.Errorf("logged %q", log)
		}
		s.Close(parley.CloseNormal, "")
		s.Wait()
		_ = layer.Close(t.Context())
	})
}

// Who asks again and again, and takes no answer, has one waiting.
func TestPresentIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := channel.New(channel.Options{})
		app := consumer.New(func() *room {
			return &room{open: func(_ context.Context, conn *consumer.Conn) error {
				for range 100 {
					conn.SendPresent("room")
					conn.SendPresent("hall")
				}
				return nil
			}}
		}, consumer.Options{Layer: layer})
		s := parleytest.Dial(t, app, request())
		var told []string
		for message, ok := s.ReceiveWithin(1); ok; message, ok = s.ReceiveWithin(1) {
			told = append(told, message.Text())
		}
		if want := []string{
			`{"type":"presence.state","group":"room","members":[]}`,
			`{"type":"presence.state","group":"hall","members":[]}`,
		}; !slices.Equal(told, want) {
			t.Errorf("told %q", told)
		}
	})
}
