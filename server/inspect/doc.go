// Package inspect is a page for operators: who is connected and how much waits for
// them, what has closed and why, the groups of a channel layer, the lanes of a bridge
// and what each waits for, and plots of the last five minutes. It kicks a client, and
// drains the process.
//
//	package main
//
//	import (
//		"context"
//		"log"
//
//		"github.com/parleygo/parley"
//		"github.com/parleygo/parley/adapters/nethttp"
//		"github.com/parleygo/parley/channel"
//		"github.com/parleygo/parley/router"
//		"github.com/parleygo/parley/server"
//		"github.com/parleygo/parley/server/inspect"
//	)
//
//	func main() {
//		layer := channel.New(channel.Options{})
//		page := inspect.Handler(inspect.Options{Layers: map[string]*channel.Layer{"main": layer}})
//		var routes router.URLs
//		routes.Handle("/chat/{room}", parley.WebSocketFunc(chat))
//		routes.Handle("/inspect/", nethttp.App(page))
//		options := server.Options{Addr: "127.0.0.1:8080"}
//		if err := server.Run(context.Background(), &routes, options); err != nil {
//			log.Fatal(err)
//		}
//	}
//
//	func chat(ctx context.Context, ws *parley.Socket) error {
//		return ws.Accept(ctx, parley.WebSocketAccept{})
//	}
//
// # What is shown
//
// Below package server the page finds gateways and fallback sessions by itself,
// wherever they are mounted, once they have served somebody. Another program lists
// them in Options.Sources; layers and bridges are listed in any case. Nothing is
// recorded for the page and nothing runs while nobody looks: each viewer takes a look
// a second, which with ten thousand sockets takes some milliseconds.
//
// Of a URL only the path is shown, since queries hold tokens. Users are shown by the
// ID that package auth knows them by.
//
// # Who may look
//
// Whoever sees the page can end every conversation, so it lets in the browsers of its
// own machine only. The client's address must be a loopback one, and the Host
// "localhost", a loopback address or one of Options.Hosts, so that no foreign name
// that was pointed here gets in (DNS rebinding). A request that came by a proxy on
// this machine is refused: it bears a header such as X-Forwarded-For, or speaks
// HTTP/1.0 as nginx does by default. What such headers say of the client is never
// believed. A proxy that forwards HTTP/1.1 and does not say so cannot be told from a
// browser: behind one, keep the page's path out of what it forwards, or set
// Options.Allow, which decides in place of all this. Allow is also the way in for
// operators elsewhere, by a login or a client certificate.
//
// What changes anything is a POST with a token that only the page can read, and that
// no page of another site may send. The page loads nothing from elsewhere, and its
// Content-Security-Policy forbids it to.
//
// # What it does
//
// To kick is to end a conversation with parley.ErrKicked: a socket closes with 1008
// behind what waits to be sent to it, which tells a client to stay away, and a stream
// ends. The client can come back if it wants to: kick whom you have locked out before.
// To drain is what a signal does to server.Run; see Options.Drain for other programs.
package inspect
