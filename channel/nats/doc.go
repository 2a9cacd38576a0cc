// Package nats has the channel layers of several processes reach each other over NATS
// 2.9 or newer, with JetStream for what is kept.
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//		"log"
//
//		"github.com/parleygo/parley/channel"
//		"github.com/parleygo/parley/channel/nats"
//	)
//
//	func main() {
//		ctx := context.Background()
//		transport, err := nats.New(nats.Options{Servers: []string{"nats://localhost:4222"}})
//		if err != nil {
//			log.Fatal(err)
//		}
//		layer := channel.New(channel.Options{Transport: transport})
//		defer layer.Close(ctx) // closes the transport too
//
//		inbox, err := layer.Open(ctx, channel.InboxOptions{})
//		if err != nil {
//			log.Fatal(err)
//		}
//		if err := inbox.Join(ctx, "lobby"); err != nil {
//			log.Fatal(err)
//		}
//		line := channel.NewMessage("chat.line", []byte("hello"))
//		if _, err := layer.GroupSend(ctx, "lobby", line); err != nil {
//			log.Fatal(err) // it is not known whether this one has left the process
//		}
//		fmt.Println(inbox.Receive(ctx)) // and so in every other process
//	}
//
// A program that is to need no server runs its own: package embedded has one for
// Options.InProcess. It is a package apart so that others do not link a server.
//
// # What it costs
//
// A publish is one round trip, and one message to each server that has listeners. A
// process has one connection, and no goroutine for a group: one that is quiet weighs less
// than 1 KiB here, of which 250 bytes are nats.go's. A server has to allow payloads of
// 1 MiB and what is around them, the default of a layer: "max_payload: 2MB", for NATS has
// exactly 1 MiB. What is too large is refused with channel.ErrTooLarge.
//
// # When NATS is away
//
// Whoever publishes gets an error, and whoever subscribes waits, for Options.Timeout at
// most. Connections are made again with growing pauses, which vary, and everything is
// subscribed to again; then those who listen are told that they may have missed
// something (channel.Interrupter). So are those for whom this process was too slow. A
// publish is never repeated by itself: after an error it is not known whether it has
// arrived.
//
// What is asked of JetStream is asked again while nobody answers, where that changes
// nothing: a cluster drops what it is asked while a stream is being made, or has no leader.
// So is the first that is appended or enqueued, until its stream has answered, by an id that
// has it stored once; what follows is sent once.
//
// In a cluster a subscription is made when each server that has clients of this package
// knows of it, which is asked there and is a round trip more. A process is also told when
// two servers had lost each other for longer than Options.Heartbeat and a second. Of less
// nobody is told, and what was published across meanwhile is lost.
//
// # Logs
//
// All that is appended under a prefix is in one stream of JetStream, which publishes it
// again with its number (RePublish). An Append is one round trip. Offsets are the
// stream's numbers, and an epoch is the life of a stream: it ends when the stream is
// deleted or purged, or was lost with its server.
//
// A stream has one set of bounds for all its subjects, so it has the largest that any log
// wants, and each entry says what its own log wants: readers see nothing beyond that, and
// what is beyond in bytes or age is purged when a process has appended as much again. The
// stream keeps what nobody reads any more for a day, or twice the longest Keep.Age,
// whichever is more: the newest entry of a log that has run dry tells where it was. Whoever
// resumes in an older one is told a gap.
//
// # Leases
//
// They are a bucket of keys and values (KV), in the memory of the servers. A lease is as
// old as its message is by the server's clock; no message has a time to live.
//
// # Jobs
//
// They are a stream that forgets what is done, with a consumer for each subject. A transport
// lets go by itself of what its callers have held for too long. When its process dies the
// server does, after the longest time that any taker of the subject has ever wanted to hold
// a job, and a second: takers of one subject are best to want the same.
//
// # Rights
//
// PREFIX is Options.Prefix. Groups need
//
//	publish, subscribe: PREFIX.>, and _INBOX.>
//
// and what is kept needs besides, in an account with JetStream,
//
//	publish: $JS.API.>, $JS.ACK.>, $KV.PREFIX-leases.>
//
// What the server does not allow is an error of the call that matches
// ErrPermissionViolation of nats.go and says which right is missing, with
// Options.Unconfirmed only a line in the log. A right that is taken away ends
// subscriptions: listeners are told of an interruption. The server does not say when it is
// back, so a few of what has ended are tried again, with pauses of up to half a minute, and
// many once some are allowed; then listeners are told once more, and hear again.
//
// Two systems with two prefixes and such rights cannot reach each other's groups. Rights
// to the whole API of JetStream do reach all streams of the account: those who must not
// meet have an account each.
package nats
