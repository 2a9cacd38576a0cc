// Package channelsredis lets a [channel.Layer] and Django Channels share one Redis:
// group_send in Django reaches the sockets of Go, GroupSend in Go reaches consumers of
// Django, and each sends to the other's channel names. It speaks the formats of
// channels_redis, 4.0 and later, and needs no change in Django.
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//
//		"github.com/parleygo/parley/channel"
//		"github.com/parleygo/parley/channel/redis/channelsredis"
//	)
//
//	func main() {
//		ctx := context.Background()
//		// CHANNEL_LAYERS = {"default": {
//		//     "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
//		//     "CONFIG": {"hosts": ["redis://localhost:6379"]},
//		// }}
//		transport, err := channelsredis.PubSub(channelsredis.Options{
//			Hosts: []string{"redis://localhost:6379"},
//		})
//		if err != nil {
//			panic(err)
//		}
//		layer := channel.New(channel.Options{Transport: transport})
//		defer layer.Close(ctx)
//
//		inbox, err := layer.Open(ctx, channel.InboxOptions{})
//		if err != nil {
//			panic(err)
//		}
//		if err := inbox.Join(ctx, "chat"); err != nil {
//			panic(err)
//		}
//		// await channel_layer.group_send("chat", {"type": "chat.line", "line": "hello"})
//		message, err := inbox.Receive(ctx)
//		fmt.Println(string(message.Payload()), err) // {"type":"chat.line","line":"hello"} <nil>
//	}
//
// [PubSub] goes with channels_redis.pubsub, which is the faster one and keeps the order;
// [Core] with channels_redis.core, which keeps messages for a reader who is slow. Layers
// in Go reach each other as well. Whoever needs no Django takes the transport of package
// redis instead, which can do more: here channel.New panics for Options.History, and
// presence is an error that is errors.ErrUnsupported.
//
// # Messages
//
// A message of Channels is a dict, and its "type" names the handler. One of a layer has a
// type and a payload, and the payload of one from Django is that dict as JSON, the type
// among its members. In the other direction:
//
//	payload                        dict
//	{"line":"hi"}, a JSON object   {"type": T, "line": "hi"}
//	any other text                 {"type": T, "text": "..."}
//	bytes                          {"type": T, "bytes": b"..."}; base64 with JSON
//
// Between layers payloads stay as they are, but for how JSON is written. Integers stay
// exact (of up to 64 bits: beyond a send fails, as msgpack does), 1.0 stays a float, and
// None is null. Bytes in a dict arrive as base64, which a []byte field of a struct takes.
//
// A send fails with parley.ErrInvalidPayload if the payload has another "type" than the
// message, or "__asgi_channel__", or text that is not UTF-8. What cannot be understood
// from Redis is skipped, and counted in LayerStats.BadEnvelopes: bytes that are no
// message or have the wrong key, dicts without a type or with one that is no type of a
// layer (see channel.NewMessage), NaN and infinities, keys that are no text, dates, and
// more than a hundred levels. "__asgi_channel__" is the wire's own and is taken out.
//
// # Names
//
// Groups and prefixes have to be the same on both sides. A name that Channels allows
// and a layer does not, such as a group of pub/sub with a space in it, is out of reach;
// a prefix of pub/sub should follow the rules of names, since it is the beginning of each
// channel_name there. Kicks, and what else layers tell each other, do not reach Django.
//
// # Loss
//
// Delivery is at most once, as that of Channels is. While a host is down, sends to it
// fail, and what others send is lost; afterwards all is subscribed to again, and members
// are told. With core a group send is dropped for a process that has no room; see
// [Options.OnFull] and [Core]. One that cannot be brought to some hosts is brought to the
// others, and is an error.
//
// Of core what waits has a time, and so have members of groups: here that of Redis, in
// Django that of its process, which must not be far from it. Where messages are encrypted
// the clocks of all processes must agree to a minute, for each has the time of its
// sender in it.
//
// # Costs
//
// With pub/sub a send is one round trip, and what is heard takes one more connection to
// each host. With core a group send asks who is in the group, and then runs a script on
// each host where some of them read, one after the other; what is heard takes a connection
// to each host for all groups, one for all inboxes, and one for each general name.
//
// # Rights
//
// A user of Redis with these rights can do everything here; PREFIX is Options.Prefix:
//
//	pub/sub: &* -@all +@pubsub +ping
//	core:    ~PREFIX* &PREFIX__parley -@all +@pubsub +@scripting +@sortedset +expire +time +ping
//
// (Channels itself needs no +time.) Pub/sub has no prefix in the names of inboxes, so it needs all channels.
package channelsredis
