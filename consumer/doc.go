// Package consumer is for apps that would rather be called than loop: one value
// per client, with hooks for what happens to it, and handlers for what the
// channel layer brings.
//
// A whole program, a chat with one room:
//
//	package main
//
//	import (
//		"context"
//		"net/http"
//
//		"github.com/parleygo/parley/adapters/nethttp"
//		"github.com/parleygo/parley/channel"
//		"github.com/parleygo/parley/consumer"
//	)
//
//	var layer = channel.New(channel.Options{})
//
//	type chat struct{ lines int }
//
//	type line struct{ Text string }
//
//	func (c *chat) said(ctx context.Context, conn *consumer.Conn, said line) error {
//		c.lines++ // no lock: a consumer's handlers run one at a time
//		message, err := channel.JSON("chat.line", said)
//		if err != nil {
//			return err
//		}
//		_, err = layer.GroupSend(ctx, "room", message)
//		return err
//	}
//
//	func main() {
//		app := consumer.New(func() *chat { return new(chat) },
//			consumer.Options{Layer: layer, Groups: []channel.Group{"room"}},
//			consumer.Receive((*chat).said),
//			consumer.Forward("chat.line"),
//		)
//		http.ListenAndServe("127.0.0.1:8080", nethttp.Handler(app))
//	}
//
// # The life of a consumer
//
// The constructor is called when a handshake arrives. Then come, each at most
// once, Connect, which decides; Open, when the client is accepted and in its
// groups; and Disconnect, which is called exactly once whatever happens. In
// between messages are handled, one at a time, those of the client (Receive) and
// those of the layer ([On]) in turn. Hooks are found by small interfaces, and any
// may be missing.
//
// A hook's context ends at once when the client leaves, a drain begins or the
// connection is kicked, also while a handler runs: context.Cause tells why.
//
// # Messages of the layer
//
// A type of message is forwarded to the client ([Forward]), handled ([On]), or
// unknown, which is counted and ends nobody's connection ([UnknownPolicy]). Types
// are a namespace of their own: no message can pass for an event of the
// connection. Forwarding takes no goroutine and encodes a broadcast once for all
// members.
//
// # Clients without a socket
//
// Some proxies let no WebSocket through. The same App serves such clients by
// plain HTTP at the same URL, and the consumer does not notice: it has a conn, a
// handshake, messages and a disconnect as ever. What stands behind the conn is a
// session, whose id nobody can guess, and which outlives the requests by a lease
// ([Fallback]); what is sent meanwhile waits. Requests name the session in the
// header Parley-Session or the query parameter "session".
//
//   - GET with "Accept: text/event-stream" is a stream of server-sent events. It
//     begins with "event: open", whose data is {"session": id}. Messages follow
//     with ids, as they are if they are text, and as "event: binary" in base64 if
//     they are not. The last is "event: close" with {"code": …, "reason": …}, upon
//     which the client closes its EventSource. A client that comes back with
//     Last-Event-ID goes on where it was; if that is not possible any more it
//     gets a new session, which it sees by the id.
//   - GET without is a poll. The first one is answered at once, with
//     {"session": id, "cursor": 0, "messages": []}. The next ones carry the query
//     parameter "cursor" of the answer before, which confirms its messages, and
//     are held until there is news: {"cursor": n, "messages": [{"text": …},
//     {"binary": base64}], "closed": {"code": …}}. 404 means that the session is
//     over: the client begins anew.
//   - POST sends the body as one message, as text, or as binary if its type is
//     application/octet-stream. 204 means that it was taken; the answer waits
//     while the consumer is behind. 404 and 410 mean that the session is over.
//   - DELETE says goodbye.
//
// A denied handshake is the answer to the GET that would have opened the session.
// As the POSTs come one by one, so do the messages; a client that wants to keep
// their order waits for each answer.
//
// There are also parts without a consumer: [Methods] for views, [StreamFunc] for
// streams, and [Worker] for jobs in the background.
package consumer
