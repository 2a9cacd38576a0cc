package consumer_test

import (
	"encoding/json"
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
)

// Who reads nothing for a while loses messages, if that is the policy. Who is there it
// knows all the same, as soon as it reads again.
func TestPresenceOfASlowClient(t *testing.T) {
	for _, policy := range []channel.Policy{
		channel.DropNewest, channel.Block, channel.DropOldest, channel.Coalesce,
	} {
		t.Run(policy.String(), func(t *testing.T) {
			layer := newLayer(t)
			var joined sync.WaitGroup
			joined.Add(1)
			app := lobby(layer, consumer.Options{
				Policy: policy, Capacity: channel.Capacity{Messages: 5},
			}, &joined)
			client := join(t, serve(t, app, nethttp.Options{
				WebSocket: parley.SocketOptions{QueueMessages: 5},
			}))
			joined.Wait()
			there := comeAndGo(t, layer, 400)
			known, states := seen{}, 0
			for !knows(known, there) || states == 0 {
				_, data, err := client.ReadMessage()
				if err != nil {
					t.Fatalf("%v: it knows of %q, want %q", err, known.names(), there)
				}
				if strings.HasPrefix(string(data), `{"type":"presence.`) {
					known.take(t, string(data))
				}
				if strings.HasPrefix(string(data), `{"type":"presence.state"`) {
					states++
				}
			}
			quietly(t, layer, client, known)
			if !knows(known, there) {
				t.Errorf("in the end it knows of %q, want %q", known.names(), there)
			}
		})
	}
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
			in, err := layer.Open(t.Context(), channel.InboxOptions{Policy: channel.DropOldest})
			if err == nil {
				_, err = in.Enter(t.Context(), "lobby", name)
			}
			if err != nil {
				t.Fatal(err)
			}
			present[name] = in
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

func knows(known seen, there []string) bool {
	return known.names() == strings.Join(there, " ")
}

// quietly has the client hear what else there is, up to something that comes last.
func quietly(t *testing.T, layer *channel.Layer, client *websocket.Conn, known seen) {
	t.Helper()
	in, err := layer.Open(t.Context(), channel.InboxOptions{Policy: channel.DropOldest})
	if err == nil {
		_, err = in.Enter(t.Context(), "lobby", "last")
	}
	if err != nil {
		t.Fatal(err)
	}
	for !slices.Contains(strings.Fields(known.names()), "last") {
		_, data, err := client.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if json.Valid(data) {
			known.take(t, string(data))
		}
	}
	for id, name := range known {
		if name == "last" {
			delete(known, id)
		}
	}
}
