package sse_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/parleytest"
	"github.com/parleygo/parley/sse"
)

// follow streams a group that the layer keeps. The id of an event is its position: a
// browser's EventSource that has lost its connection comes back with the last one, and
// gets what it has missed first.
func follow(layer *channel.Layer, group channel.Group) func(context.Context, *sse.Stream) error {
	return func(ctx context.Context, stream *sse.Stream) error {
		inbox, err := layer.Open(ctx, channel.InboxOptions{})
		if err != nil {
			return err
		}
		defer inbox.Close()
		send := func(message channel.Message) error {
			event := sse.Event{Name: message.Type(), Data: string(message.Payload())}
			if position := message.Position(); position != (channel.Position{}) {
				event.ID = position.String() // the layer's own notices have none
			}
			return stream.Send(ctx, event)
		}
		after, err := channel.ParsePosition(stream.LastEventID())
		if stream.LastEventID() == "" || err != nil {
			after = channel.Newest // it has never been here
		}
		err = inbox.Resume(ctx, group, after, func(missed channel.Resumed) error {
			if missed.Gap != "" {
				gap := sse.Event{Name: "gap", Data: string(missed.Gap)}
				if err := stream.Send(ctx, gap); err != nil {
					return err
				}
			}
			for _, message := range missed.Messages {
				if err := send(message); err != nil {
					return err
				}
			}
			return nil
		})
		for err == nil {
			var message channel.Message
			if message, err = inbox.Receive(ctx); err == nil {
				err = send(message)
			}
		}
		return err
	}
}

func ExampleFunc_history() {
	layer := channel.New(channel.Options{History: []channel.HistoryRule{{Pattern: "news"}}})
	defer layer.Close(context.Background())
	app := sse.Func(follow(layer, "news"), sse.Options{})
	publish := func(text string) {
		message := channel.NewMessage("headline", []byte(text))
		if _, err := layer.GroupSend(context.Background(), "news", message); err != nil {
			fmt.Println(err)
		}
	}
	t := new(testing.T) // in a test it is the test's own

	stream := parleytest.Start(t, app, httptest.NewRequest("GET", "/news", nil))
	for layer.Stats().Members == 0 {
		stream.Quiet()
	}
	publish("first")
	_, id, _ := strings.Cut(read(stream), "id: ")
	stream.Vanish()
	_ = stream.Wait()
	publish("second")
	publish("third")

	again := httptest.NewRequest("GET", "/news", nil)
	again.Header.Set("Last-Event-ID", strings.Split(id, "\n")[0])
	stream = parleytest.Start(t, app, again)
	for range 2 {
		_, data, _ := strings.Cut(read(stream), "data: ")
		fmt.Println(strings.TrimSpace(data))
	}
	stream.Vanish()
	_ = stream.Wait()
	// Output:
	// second
	// third
}

// read returns the next event.
func read(stream *parleytest.Exchange) (event string) {
	for event == "" {
		part, ok := stream.Read()
		if !ok {
			return "the end"
		}
		event = strings.TrimSpace(part)
	}
	return event
}
