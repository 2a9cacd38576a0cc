// Package redis has the channel layers of several processes reach each other over
// Redis, 6.2 or newer, or Valkey: a server alone, behind sentinels, or a cluster.
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//		"log"
//
//		"github.com/parleygo/parley/channel"
//		"github.com/parleygo/parley/channel/redis"
//	)
//
//	func main() {
//		ctx := context.Background()
//		transport, err := redis.New(redis.Options{URLs: []string{"redis://localhost:6379"}})
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
//			log.Fatal(err) // this one has not left the process, or nobody knows
//		}
//		fmt.Println(inbox.Receive(ctx)) // and so in every other process
//	}
//
// # What it costs
//
// A publish is one round trip, whoever listens, and many goroutines share a connection
// and its system calls. A process has one more connection for all that it subscribes
// to, and in a cluster one to each master. A group that is quiet costs some hundred
// bytes on either side.
//
// # When Redis is away
//
// Whoever publishes gets an error, and whoever subscribes waits for as long as its ctx
// lasts. Connections are made again with growing pauses, which vary, and everything is
// subscribed to again; then those who listen are told that they may have missed
// something (channel.Interrupter). A publish is never repeated by itself: after an
// error it is not known whether it has arrived, or still will.
//
// A server that says nothing for Options.Timeout, such as one behind a cut cable,
// counts as gone. So does a master that has become a replica. A server that has no room
// for more refuses what has to be kept, and who sent it is told; one with a
// maxmemory-policy other than noeviction lets go of something else: New warns of that.
//
// # Logs and leases
//
// Append is one round trip of a script, which keeps the payload in a stream and
// publishes it. Offsets are 1, 2, 3. An epoch lasts no longer than the process of the
// server: what an append was told is never taken back in silence, even by a replica
// that took over without having heard of it, or a file that is a second old.
//
// Leases are of one server of a cluster, and so are all of their records. Whatever is
// lost of them, by an eviction, by hand, or with a server whose replica had not heard of
// the last, each process notices when it renews its lease, and enters its records again.
//
// # General names and work queues
//
// What is sent to a general name goes into a list, out of which one of those who read it
// takes it. The list outlives its readers' connections, and the last reader by a
// minute. It holds no more than Options.Backlog; what a process has taken is lost with
// it.
//
// Jobs, see worker.NewQueue, are a stream with a group of consumers. They stay until
// somebody has dealt with them, and have no bound but the server's memory.
//
// # Rights
//
// A user with these rights can do everything here; PREFIX is Options.Prefix:
//
//	~PREFIX:* &PREFIX:* -@all +@pubsub +@scripting +@list +@hash +@sortedset +@stream
//	+get +getex +set +del +pexpire +persist +time +info +ping
//
// In a cluster they also need +cluster|slots, and behind sentinels +role. Without +info
// an epoch outlives the server's process.
package redis
