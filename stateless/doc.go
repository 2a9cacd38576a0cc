// Package stateless serves an app over what has no connections: datagrams, the chats of a
// bot, the messages of named channels.
//
// Whoever speaks has a name, and each name an instance of the app: one call of Serve with
// a conversation of its own, in a scope whose Channel is the name. It begins with the first
// event for the name, goes on with the next ones, and so can keep what it learns in local
// variables. It ends when the app returns; or when there are more names than Options.Max,
// for then the one of those that wait for events that was used least recently has to go.
//
// A whole program, which greets who sends it a datagram, and says how often:
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//		"log"
//		"net"
//		"os"
//		"os/signal"
//
//		"github.com/parleygo/parley"
//		"github.com/parleygo/parley/stateless"
//	)
//
//	func greet(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
//		for times := 1; ; times++ {
//			event, err := conn.Receive(ctx)
//			if _, ok := event.(parley.ChannelReceive); !ok {
//				return err // nothing more will come
//			}
//			answer := fmt.Appendf(nil, "hello for the %d. time", times)
//			if err := conn.Send(ctx, parley.ChannelReceive{Data: answer}); err != nil {
//				return err
//			}
//		}
//	}
//
//	func main() {
//		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
//		defer stop()
//		socket, err := net.ListenPacket("udp", "127.0.0.1:7007")
//		if err != nil {
//			log.Fatal(err)
//		}
//		context.AfterFunc(ctx, func() { socket.Close() })
//		send := func(_ context.Context, name string, event parley.Event) error {
//			peer, err := net.ResolveUDPAddr("udp", name)
//			if err == nil {
//				_, err = socket.WriteTo(event.(parley.ChannelReceive).Data, peer)
//			}
//			return err
//		}
//		server := stateless.New(parley.AppFunc(greet), stateless.Options{Send: send})
//		err = server.Run(ctx, func(ctx context.Context) error {
//			packet := make([]byte, 1500)
//			for {
//				n, peer, err := socket.ReadFrom(packet)
//				if err != nil {
//					return err
//				}
//				data := append([]byte(nil), packet[:n]...)
//				err = server.Deliver(ctx, peer.String(), parley.ChannelReceive{Data: data})
//				if err != nil {
//					log.Print(err) // this peer sends faster than it is served
//				}
//			}
//		})
//		if ctx.Err() == nil {
//			log.Fatal(err)
//		}
//	}
//
// # Instances of a worker
//
// A Server is itself an App of parley.Channel conversations, and hands the events of each
// to the instance of the conversation's channel. So a worker whose app is to live from one
// message to the next is served by
//
//	mailer := worker.New(layer, server, names, worker.Options{})
//	err := server.Run(ctx, mailer.Run)
//
// and keeps what a worker does: a message is dealt with when its instance asks for the next
// one or returns nil. If the instance fails with it, it is tried again, with another
// instance.
//
// # The end
//
// When the function that Run runs returns, all instances are told to stop and waited for: an
// app receives parley.ChannelDisconnect, and its ctx ends. The same happens to one that has
// to go. Its place is given on when it has returned, so an app that does not heed its ctx
// keeps others waiting.
package stateless
