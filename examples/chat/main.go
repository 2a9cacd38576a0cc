// Command chat is a gin project with rooms to talk in: open its page in two
// browsers, or in a private window beside a normal one.
//
//	go run ./examples/chat
//
// Begin to read in member.go: that is the consumer, and nearly all there is to
// do with the kit. rooms.go is the chat itself, login.go keeps strangers out,
// slow.go shows what becomes of a client that cannot keep up.
package main

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/client"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/router"
	"github.com/parleygo/parley/server"
)

//go:embed web
var files embed.FS

func main() {
	gin.SetMode(gin.ReleaseMode)
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("chat", flag.ExitOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on")
	_ = flags.Parse(args) // exits on an error

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "chat: http://%s/\n", listener.Addr())
	return serve(ctx, listener, nap)
}

// serve serves until ctx ends, and then says goodbye to every client.
func serve(ctx context.Context, listener net.Listener, nap func(context.Context)) error {
	layer := channel.New(channel.Options{History: history})
	login := newLogin(layer)
	chat := newChat(layer, nap)
	pages := fallback.New(chat, fallback.Options{MaxMessage: maxMessage}) // serves who has no socket, too
	gateway := nethttp.Handler(login.require(pages), nethttp.Options{
		Mode:      nethttp.Hold, // gin's log and recovery stand around each socket
		WebSocket: parley.SocketOptions{MaxMessage: maxMessage, CloseTimeout: reply},
	})

	r := gin.Default()
	for path, file := range map[string]string{"/": "web/", "/chat.js": "web/chat.js", "/chat.css": "web/chat.css"} {
		r.StaticFileFS(path, file, http.FS(files))
	}
	r.GET("/parley.js", gin.WrapH(client.Handler()))
	r.GET("/stats", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"chat": chat.Stats(), "layer": layer.Stats()}) })
	r.Any("/rooms/:room", parleygin.Gateway(gateway)) // sockets, streams and polls
	r.GET("/login", login.handler(login.who))
	r.POST("/login", login.handler(login.enter))
	r.POST("/logout", login.handler(login.leave))

	app := parleygin.App(r)
	return server.Run(ctx, router.Protocols{
		parley.HTTP: app, parley.WebSocket: app, parley.Lifespan: parley.LifespanHooks{Shutdown: layer.Close},
	}, server.Options{Listeners: []server.Listener{{Socket: listener}}, DrainTimeout: shutdown})
}

// What a shutdown may take adds up: a drain takes its time to tell everybody, so that
// they do not come back all at once; whoever is told last has time to answer; and the
// handlers that run then come to their end.
const (
	wave     = 5 * time.Second  // of nethttp.Gateway.Drain
	reply    = 3 * time.Second  // of a client that is told to leave
	work     = 10 * time.Second // of a handler, and of a machine that is busy
	shutdown = wave + reply + work
)
