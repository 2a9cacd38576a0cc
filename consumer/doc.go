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
// groups; and Disconnect. In between messages are handled, one at a time, those
// of the client ([Receive]) and those of the layer ([On]) in turn. Hooks are found
// by small interfaces, and any may be missing; a method that is called like a hook
// and does not fit panics in [New].
//
// Connect lets the client in by [Accept], or not by [Deny] or an error. A consumer
// without Connect lets everybody in; one that decides nothing lets nobody in.
//
// A hook's context ends at once when the client leaves or the connection is kicked,
// also while a handler runs: context.Cause says why, and Disconnect is told the same.
// A drain lets hooks and handlers finish that run, for as long as it may take.
// Disconnect is called exactly once, last, however
// the hooks and handlers before it have ended: by returning, by an error or a
// panic, or by runtime.Goexit.
//
// # Messages of the client
//
// A consumer takes what its client says as it is ([Receiver] and its kin), decoded
// ([Receive]), or by type: JSON objects in text messages, whose field "type" chooses
// the handler, and whose other fields are for it.
//
//	consumer.ReceiveType("line", (*chat).line)     // {"type":"line","text":"hello"}
//	consumer.AnswerType("lines", (*chat).lines)    // {"type":"lines","id":7,"count":10}
//
// A message with a field "id", a positive integer, is a request. It is answered once:
//
//	{"type":"parley.reply","id":7,"result":[…]}
//	{"type":"parley.reply","id":7,"error":{"code":"room_full","message":"…"}}
//
//	the handler…                           the client is told       the connection
//	returns a result                       result                   goes on
//	returns no result (ReceiveType)        result null              goes on
//	returns an *Error                      its code and message     goes on
//	returns another error                  internal                 goes on; logged
//	is not done in Options.RequestTimeout  timeout                  goes on
//	cannot be given the fields             invalid                  goes on
//	does not exist                         unknown_type             goes on
//	panics, or ends its goroutine          internal                 ends with 1011
//	returns ErrStop, a *parley.CloseError  nothing                  ends with its code
//
// What a handler returns after its time goes nowhere, an error to the log. Handlers of
// requests run in turn with all others; Options.Concurrency lets several run. An
// id is free again when its answer is sent; one that is used before is refused, as
// are messages that are no such objects or have no type, more than one, or an "id" of
// another kind: see [DecodeErrorHandler]. Binary messages go to [BinaryReceiver].
//
// Types that begin with "parley." are the kit's own. {"type":"parley.ping"} is answered
// with {"type":"parley.pong"}, by consumers of all kinds but a Receiver and a
// TextReceiver, while a handler runs, too: a server that is busy is not dead. On a live
// socket that holds until so much of the client waits that no more is read; see
// parley.SocketOptions.ReadAhead.
//
// # Messages of the layer
//
// A type of message is forwarded to the client ([Forward]), handled ([On]), or
// unknown, which is counted and ends nobody's connection ([UnknownPolicy]). Types
// are a namespace of their own: no message can pass for an event of the
// connection. Forwarding takes no goroutine and encodes a broadcast once for all
// members.
//
// A client that knows it is in misses nothing that is sent to its groups: they are
// joined before the handshake is answered, and what comes meanwhile waits until
// Open has returned.
//
// [Conn.SendOthers] leaves out the client that has said something. Where the consumer
// forwards anything, clients are also told what the layer says of itself, unless a
// handler takes it: {"type":"channel.resync","groups":[…]} if messages may have been
// lost between processes, and gaps; see below.
//
// # Groups with a history
//
// What is forwarded from a group that the layer keeps ([channel.Options].History) says
// where it stands, and a client that joins is told where the group is:
//
//	{"type":"parley.position","group":"room","position":"x3k:16"}
//	{"type":"parley.message","group":"room","position":"x3k:17","data":…}
//
// A client that comes back names in its handshake's query what it has heard last, in
// the parameter parley-resume: a JSON object from group to position, of at most 1000
// groups and 64 KiB. When the consumer joins such a group, whenever that is, the client
// is sent what it has missed, once, in order, and in front of what follows, however
// much that is; handlers ([On]) get their messages of it too. A client joins nothing by
// naming it. If something is missing it is told so in front of what is there:
//
//	{"type":"parley.gap","group":"room","reason":"trimmed","position":"x3k:21"}
//
// A position that cannot be read is a gap of the reason "epoch", as is each kept group
// if the parameter cannot be read at all. All this is the same for clients without a
// socket. A client that is closed for being slow (1013), as Options.Policy has it by
// default, comes back and misses nothing. Other policies drop messages of a history as
// they drop others, and where they do the client is told of a gap of the reason "slow".
//
// # Presence
//
// [Conn.Enter] has a client be in a group for others to see, with what the consumer
// shows of it, until it leaves, [Conn.Exit] or its end. Clients of consumers that
// forward anything are told who comes and goes in their groups, and who enters is told
// who is there, as [Conn.SendPresent] does for others:
//
//	{"type":"presence.state","group":"room","members":[{"member":"k3","show":"ann"}]}
//	{"type":"presence.join","group":"room","member":"m9","show":"bob"}
//	{"type":"presence.leave","group":"room","member":"m9","show":"bob"}
//
// Taken in their order these add up to who is there. None is lost to a slow client by
// Options.Policy: where one finds no room the client is sent who is there instead, as
// soon as it reads again, behind all that it was told before. A handler ([On]) that is
// too slow is called for each, but for those who have come and gone meanwhile.
//
// # Kicks
//
// A kick ([channel.Layer.Kick]) closes the connection with the code of its cause.
// The client is told a reason only if somebody has chosen one for it, in a
// *parley.CloseError; the text of other errors goes to the log.
//
// # Code that blocks
//
// Hooks and handlers may block as any Go code may. What blocks a thread, as many C
// libraries do, or is bound to one, runs on an [Executor], which package bridge
// makes:
//
//	consumer.Options{Executor: bridge.OnThread(nil)}
//
// # Clients without a socket
//
// Some proxies let no WebSocket through. Package fallback serves the same App to
// such clients by plain HTTP at the same URL, and the consumer does not notice.
//
// For views by method see router.Methods, for jobs in the background package
// worker.
package consumer
