package channel_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

func Example() {
	ctx := context.Background()
	layer := channel.New(channel.Options{})
	defer layer.Close(ctx)

	inbox, err := layer.Open(ctx, channel.InboxOptions{})
	if err != nil {
		panic(err)
	}
	defer inbox.Close() // leaves its groups
	if err := inbox.Join(ctx, "lobby"); err != nil {
		panic(err)
	}

	line := channel.NewMessage("chat.line", []byte("hello"))
	result, err := layer.GroupSend(ctx, "lobby", line)
	fmt.Println(result.Matched, result.Dropped, err)

	message, err := inbox.Receive(ctx)
	fmt.Println(message.Type(), string(message.Payload()), err)
	// Output:
	// 1 0 <nil>
	// chat.line hello <nil>
}

// A sink gets the messages at once, on the sender's goroutine. This is how a
// broadcast reaches sockets: all of them get the same Prepared.
func ExampleInboxOptions_sink() {
	ctx := context.Background()
	layer := channel.New(channel.Options{})
	defer layer.Close(ctx)

	for _, user := range []string{"ann", "bob"} {
		inbox, err := layer.Open(ctx, channel.InboxOptions{
			Deliver: func(m channel.Message) channel.Verdict {
				_, text := m.Send().Payload()
				fmt.Printf("%s hears %s\n", user, text)
				return channel.Accepted
			},
		})
		if err != nil {
			panic(err)
		}
		if err := inbox.Join(ctx, "lobby"); err != nil {
			panic(err)
		}
	}

	result, err := layer.GroupSend(ctx, "lobby", channel.NewMessage("chat.line", []byte("hello")))
	fmt.Printf("%+v %v\n", result, err)
	// Unordered output:
	// ann hears hello
	// bob hears hello
	// {Matched:2 Enqueued:2 Dropped:0} <nil>
}

// A dashboard wants the latest price of each share, not all there have been.
func ExampleCoalesce() {
	ctx := context.Background()
	layer := channel.New(channel.Options{})
	defer layer.Close(ctx)

	inbox, err := layer.Open(ctx, channel.InboxOptions{
		Policy: channel.Coalesce,
		Key:    func(m channel.Message) string { return m.Type() },
	})
	if err != nil {
		panic(err)
	}
	for _, price := range []string{"100", "101", "102"} {
		if err := layer.Send(ctx, inbox.Name(),
			channel.NewMessage("price.ACME", []byte(price))); err != nil {
			panic(err)
		}
	}
	message, err := inbox.Receive(ctx)
	fmt.Println(string(message.Payload()), err, inbox.Stats().Coalesced)
	// Output: 102 <nil> 2
}

// The default for who falls behind: the inbox is closed, and everybody knows why.
func ExampleCloseSlow() {
	ctx := context.Background()
	layer := channel.New(channel.Options{Capacity: channel.Capacity{Messages: 1}})
	defer layer.Close(ctx)

	inbox, err := layer.Open(ctx, channel.InboxOptions{})
	if err != nil {
		panic(err)
	}
	if err := inbox.Join(ctx, "lobby"); err != nil {
		panic(err)
	}
	for range 2 {
		result, err := layer.GroupSend(ctx, "lobby", channel.NewMessage("chat.line", []byte("hello")))
		fmt.Printf("%+v %v\n", result, err)
	}
	_, err = inbox.Receive(ctx)
	fmt.Println(errors.Is(err, channel.ErrClosed), errors.Is(err, parley.ErrSlowConsumer),
		parley.CodeOf(err))
	// Output:
	// {Matched:1 Enqueued:1 Dropped:0} <nil>
	// {Matched:1 Enqueued:0 Dropped:1} <nil>
	// true true 1013
}

// Ending all conversations of one user, here and in every other process.
func ExampleLayer_KickGroup() {
	ctx := context.Background()
	layer := channel.New(channel.Options{})
	defer layer.Close(ctx)

	inbox, err := layer.Open(ctx, channel.InboxOptions{})
	if err != nil {
		panic(err)
	}
	if err := inbox.Join(ctx, "user.7"); err != nil {
		panic(err)
	}
	kicked, err := layer.KickGroup(ctx, "user.7", parley.ErrAuthExpired)
	fmt.Println(kicked, err)
	_, err = inbox.Receive(ctx)
	fmt.Println(parley.CodeOf(err))
	// Output:
	// 1 <nil>
	// 4401
}

// Two layers that share a broker stand for two processes.
func ExampleBroker() {
	ctx := context.Background()
	var broker channel.Broker
	here := channel.New(channel.Options{Transport: broker.Connect()})
	there := channel.New(channel.Options{Transport: broker.Connect()})
	defer here.Close(ctx)
	defer there.Close(ctx)

	inbox, err := there.Open(ctx, channel.InboxOptions{})
	if err != nil {
		panic(err)
	}
	if err := inbox.Join(ctx, "lobby"); err != nil {
		panic(err)
	}
	result, err := here.GroupSend(ctx, "lobby", channel.NewMessage("chat.line", []byte("hello")))
	fmt.Println(result.Matched, err) // nobody on this layer
	message, err := inbox.Receive(ctx)
	fmt.Println(string(message.Payload()), err)
	// Output:
	// 0 <nil>
	// hello <nil>
}

// A client that was away goes on where it was: on another inbox, and if the layer has a
// transport in another process.
func ExampleInbox_Resume() {
	ctx := context.Background()
	layer := channel.New(channel.Options{
		History: []channel.HistoryRule{{Pattern: "room.*", Keep: channel.Keep{Messages: 100}}},
	})
	defer layer.Close(ctx)
	say := func(line string) {
		if _, err := layer.GroupSend(ctx, "room.1", channel.NewMessage("line", []byte(line))); err != nil {
			panic(err)
		}
	}
	inbox, err := layer.Open(ctx, channel.InboxOptions{})
	if err != nil {
		panic(err)
	}
	if err := inbox.Join(ctx, "room.1"); err != nil {
		panic(err)
	}
	say("one")
	message, err := inbox.Receive(ctx)
	fmt.Println(string(message.Payload()), err)
	inbox.Close()
	say("two")
	say("three")

	again, err := layer.Open(ctx, channel.InboxOptions{})
	if err != nil {
		panic(err)
	}
	err = again.Resume(ctx, "room.1", message.Position(), func(r channel.Resumed) error {
		for _, missed := range r.Messages {
			fmt.Println("missed:", string(missed.Payload()))
		}
		fmt.Printf("gap: %q\n", r.Gap)
		return nil
	})
	fmt.Println(err)
	// Output:
	// one <nil>
	// missed: two
	// missed: three
	// gap: ""
	// <nil>
}

// Who is in a room, what they show, and who goes.
func ExampleInbox_Enter() {
	ctx := context.Background()
	layer := channel.New(channel.Options{})
	defer layer.Close(ctx)
	watcher, err := layer.Open(ctx, channel.InboxOptions{})
	if err != nil {
		panic(err)
	}
	if err := watcher.Join(ctx, "room"); err != nil {
		panic(err)
	}
	ann, err := layer.Open(ctx, channel.InboxOptions{})
	if err != nil {
		panic(err)
	}
	if _, err := ann.Enter(ctx, "room", map[string]string{"name": "Ann"}); err != nil {
		panic(err)
	}
	members, err := layer.Present(ctx, "room")
	fmt.Println(len(members), string(members[0].Show), err)
	ann.Close()
	for range 2 {
		message, err := watcher.Receive(ctx)
		fmt.Println(message.Type(), message.Group(), err)
	}
	// Output:
	// 1 {"name":"Ann"} <nil>
	// presence.join room <nil>
	// presence.leave room <nil>
}

// What somebody says goes to the others.
func ExampleLayer_GroupSendExcept() {
	ctx := context.Background()
	layer := channel.New(channel.Options{})
	defer layer.Close(ctx)
	var inboxes []*channel.Inbox
	for range 3 {
		inbox, err := layer.Open(ctx, channel.InboxOptions{})
		if err != nil {
			panic(err)
		}
		if err := inbox.Join(ctx, "room"); err != nil {
			panic(err)
		}
		inboxes = append(inboxes, inbox)
	}
	line := channel.NewMessage("line", []byte("hello"))
	result, err := layer.GroupSendExcept(ctx, "room", line, inboxes[0].Name())
	fmt.Println(result.Matched, err)
	fmt.Println(inboxes[0].Stats().Unread, inboxes[1].Stats().Unread)
	// Output:
	// 2 <nil>
	// 0 1
}

func ExampleParseGroup() {
	_, err := channel.ParseGroup("room 42")
	fmt.Println(err)
	// Output: channel: group name "room 42" may only hold ASCII letters, digits, '-', '_' and '.'
}
