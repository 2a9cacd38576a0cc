// Package channel brings messages to connections: to one by its name, or to all
// that have joined a group. Nothing is lost in silence.
//
// A [Layer] is the hub. A connection opens an [Inbox] on it, joins groups, and
// receives. A layer works alone in one process; given a [Transport] it reaches
// the layers of other processes too, and nothing else changes:
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//
//		"github.com/parleygo/parley/channel"
//	)
//
//	func main() {
//		ctx := context.Background()
//		layer := channel.New(channel.Options{})
//		defer layer.Close(ctx)
//
//		inbox, err := layer.Open(ctx, channel.InboxOptions{})
//		if err != nil {
//			panic(err)
//		}
//		defer inbox.Close() // leaves its groups
//		if err := inbox.Join(ctx, "lobby"); err != nil {
//			panic(err)
//		}
//
//		line := channel.NewMessage("chat.line", []byte("hello"))
//		result, err := layer.GroupSend(ctx, "lobby", line)
//		fmt.Println(result.Matched, result.Dropped, err) // 1 0 <nil>
//
//		message, err := inbox.Receive(ctx)
//		fmt.Println(message.Type(), string(message.Payload()), err) // chat.line hello <nil>
//	}
//
// # One broadcast, many sockets
//
// An inbox with a Deliver function is a sink. It has no queue: a group send calls
// Deliver on its own goroutine, and the socket's bounded write queue is the only
// one. [Message.Send] is the same event for every member, so a broadcast is encoded
// and framed once however many sockets there are:
//
//	inbox, err := layer.Open(ctx, channel.InboxOptions{
//		Deliver: func(m channel.Message) channel.Verdict {
//			if offerer.Offer(m.Send()) != nil { // parley.OffererOf(conn)
//				return channel.Full
//			}
//			return channel.Accepted
//		},
//		OnClose: func(err error) { cancel(err) },
//	})
//
// # Delivery
//
// Messages are delivered at most once, and in order per sender. [Layer.Send]
// tells its caller when the inbox did not take the message. [Layer.GroupSend]
// never waits for a member and returns a [SendResult], in which Matched is
// Enqueued plus Dropped. An inbox holds a bounded number of messages and bytes;
// its [Policy] decides what happens beyond. What was taken and then lost
// (evicted, expired, discarded) is counted in [Stats] and told to
// Options.OnDrop.
//
// Functions of users (Deliver, Key, OnClose, OnDrop, a Transport's) are called
// without locks, when all that happened is accounted for: one that panics, or ends
// its goroutine, harms neither other inboxes nor the layer.
//
// # History
//
// A group that Options.History names is kept: each message to it is appended to a log,
// within bounds, and has a [Position] there. Who was away resumes behind the last
// position it has seen, in any process: [Inbox.Resume] gives what was missed, or says
// that there is a gap and why. Nothing is missing between that and what comes live, and
// nothing comes twice. All members have one order, that of the log. Without a
// transport the log is in memory; a transport must be a [Log].
//
// A member that the layer cannot bring everything, for the log has lost its memory or
// keeps too little, is told with a message of the type TypeGap. What a member loses by
// its own policy is counted, as everywhere, and where that is something that the layer
// has said, it gets a message of the type TypeResync.
//
// # Presence
//
// [Inbox.Enter] has an inbox be in a group for others to see, [Layer.Present] returns who
// is. Members are told who comes and who goes, each once. Over a transport that takes
// [Leases], which a process keeps as long as it lives: one that dies is out, and members
// are told, within 30 s.
//
// # Interruptions
//
// When a transport's connection breaks and is made again, inboxes that may have missed
// messages get one of the type TypeResync, with those of their groups that are
// concerned. Kept groups catch up from the log, and who is present is asked for again.
//
// # Ownership
//
// The bytes of a message belong to the message from NewMessage on: neither the
// sender nor a receiver may change them. An inbox belongs to whoever opened it,
// who closes it. The layer owns its transport. The package works inside a
// testing/synctest bubble, provided that the layer is made there. It starts timers and
// goroutines that outlive a call only where there is something to wait for: one
// goroutine hands out what comes to a kept group, and one reads what is missing of it,
// each until it is done; one tells a group who comes and goes, likewise; and the first
// presence over a transport starts one that renews the lease until Layer.Close.
package channel
