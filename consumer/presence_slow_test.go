package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/fallback"
)

// Who reads nothing for a while loses messages, or is closed, as the policy has it. Who
// is there it knows all the same, as soon as it reads again, by whatever transport.
func TestPresenceOfASlowClient(t *testing.T) {
	for _, policy := range []channel.Policy{
		channel.CloseSlow, channel.DropNewest, channel.Block, channel.DropOldest, channel.Coalesce,
	} {
		for transport, comes := range slowly {
			t.Run(policy.String()+" "+transport, func(t *testing.T) {
				layer := newLayer(t)
				var joined sync.WaitGroup
				joined.Add(1)
				client := comes(t, lobby(layer, consumer.Options{
					Policy: policy, Capacity: channel.Capacity{Messages: 5},
				}, &joined))
				joined.Wait()
				there := comeAndGo(t, layer, 400)
				if policy == channel.CloseSlow {
					for !strings.HasPrefix(client.next(), `{"code":1013`) {
					}
					return
				}
				enter(t, layer, "last")
				known, states := seen{}, 0
				for !slices.Contains(strings.Fields(known.names()), "last") {
					message := client.next()
					if strings.HasPrefix(message, `{"type":"presence.`) {
						known.take(t, message)
					}
					if strings.HasPrefix(message, `{"type":"presence.state"`) {
						states++
					}
				}
				there = append(there, "last")
				slices.Sort(there)
				if known.names() != strings.Join(there, " ") || states == 0 {
					t.Errorf("told %d times it knows of %q, want %q", states, known.names(), there)
				}
				client.leave()
			})
		}
	}
}

// slowly are clients that read nothing until they are asked for the next message, and few
// wait for them elsewhere. The end is a message, too: {"code":1013}.
var slowly = map[string]func(t *testing.T, app parley.App) listener{
	"websocket": func(t *testing.T, app parley.App) listener {
		return &slowSocket{t, join(t, serve(t, app, nethttp.Options{
			WebSocket: parley.SocketOptions{QueueMessages: 5},
		}))}
	},
	"sse": func(t *testing.T, app parley.App) listener {
		goOn, app := make(chan struct{}), parley.App(fallback.New(app, few))
		s := &byStream{requester: requester{t: t, app: parley.AppFunc(func(
			ctx context.Context, scope *parley.Scope, conn parley.Conn,
		) error {
			return app.Serve(ctx, scope, &stalled{conn, goOn})
		})}}
		r := resuming("")
		r.Header.Set("Accept", "text/event-stream")
		s.x = s.begin(r)
		for s.session == "" {
			s.more()
		}
		return &slowStream{s, sync.OnceFunc(func() { close(goOn) })}
	},
	"poll": func(t *testing.T, app parley.App) listener {
		p := &byPoll{requester: requester{t: t, app: fallback.New(app, few)}}
		p.take(p.begin(resuming("")))
		return p
	},
}

var few = fallback.Options{QueueMessages: 5}

type slowSocket struct {
	t *testing.T
	*websocket.Conn
}

func (s *slowSocket) next() string {
	_, data, err := s.ReadMessage()
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		return fmt.Sprintf(`{"code":%d}`, closed.Code)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

func (s *slowSocket) leave() { s.Close() }

type slowStream struct {
	*byStream
	read func()
}

func (s *slowStream) next() string {
	s.read()
	return s.byStream.next()
}

// stalled is a request whose client reads no message until it goes on.
type stalled struct {
	parley.Conn
	goOn chan struct{}
}

func (s *stalled) Send(ctx context.Context, event parley.Event) error {
	body, ok := event.(parley.HTTPResponseBody)
	if ok && len(body.Body) > 0 && !strings.Contains(string(body.Body), `"session"`) {
		select {
		case <-s.goOn:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return s.Conn.Send(ctx, event)
}

// comeAndGo has others enter and leave, and something said meanwhile. It returns who is
// left.
func comeAndGo(t *testing.T, layer *channel.Layer, steps int) (there []string) {
	t.Helper()
	present := make(map[string]*channel.Inbox)
	for i := range steps {
		name := string(rune('a' + rand.IntN(20)))
		if in := present[name]; in != nil {
			in.Close()
			delete(present, name)
		} else {
			present[name] = enter(t, layer, name)
		}
		if i%3 == 0 {
			broadcast(t, layer, "lobby", "line", "x")
		}
	}
	for name := range present {
		there = append(there, name)
	}
	slices.Sort(there)
	return there
}

func enter(t *testing.T, layer *channel.Layer, name string) *channel.Inbox {
	t.Helper()
	in, err := layer.Open(t.Context(), channel.InboxOptions{Policy: channel.DropOldest})
	if err == nil {
		_, err = in.Enter(t.Context(), "lobby", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return in
}
