package consumer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// wanderer is a client on a real socket that goes and comes back, again and again.
type wanderer struct {
	address  string
	position string
	heard    int
}

func (w *wanderer) dial() (*websocket.Conn, error) {
	query := url.Values{}
	if w.position != "" {
		query.Set("parley-resume", named("kept.room", w.position))
	}
	conn, _, err := websocket.DefaultDialer.Dial("ws://"+w.address+"/room?"+query.Encode(), nil)
	return conn, err
}

// stay hears so many messages, and checks that they are those that are next.
func (w *wanderer) stay(count int) error {
	conn, err := w.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	for range count {
		var f framed
		if err := conn.ReadJSON(&f); err != nil {
			return err
		}
		w.position = f.Position
		switch {
		case f.Type == "parley.position":
			continue
		case f.Type != "parley.message" || string(f.Data) != fmt.Sprint(w.heard):
			return fmt.Errorf("heard %+v, want line %d", f, w.heard)
		}
		w.heard++
	}
	return nil
}

// Clients that come and go in the middle of a burst, those whose sockets write by
// themselves what is sent to the group among them, hear each message once, in order.
func TestResumeInABurst(t *testing.T) {
	const lines, clients = 600, 40
	layer := channel.New(channel.Options{History: []channel.HistoryRule{
		{Pattern: "kept.*", Keep: channel.Keep{Messages: -1, Bytes: -1}},
	}})
	app := consumer.New(func() *int { return new(int) }, consumer.Forward("line"),
		consumer.Options{Layer: layer, Groups: []channel.Group{"kept.room"}, Logger: silent,
			Capacity: channel.Capacity{Messages: -1, Bytes: -1}})
	address := serveTCP(t, app)
	var here, all sync.WaitGroup
	here.Add(clients)
	for range clients {
		all.Go(func() {
			w := &wanderer{address: address}
			err := w.stay(1) // where the group is
			here.Done()
			for err == nil && w.heard < lines {
				err = w.stay(min(1+rand.IntN(lines/5), lines-w.heard))
				var gone *websocket.CloseError
				if errors.As(err, &gone) && gone.Code == 1013 {
					err = nil // too slow for its socket: it comes back
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	here.Wait()
	for n := range lines {
		data, _ := json.Marshal(n)
		message := channel.NewMessage("line", data)
		if _, err := layer.GroupSend(t.Context(), "kept.room", message); err != nil {
			t.Fatal(err)
		}
	}
	all.Wait()
	if err := layer.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
