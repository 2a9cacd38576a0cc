package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/client"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/router"
	"github.com/parleygo/parley/server"
)

//go:embed web
var web embed.FS

const (
	lobby   = channel.Group("lobby")
	maxText = 2000 // characters
)

// guest is somebody who talks to one of the processes.
type guest struct{ process int }

// line is what all guests of all processes receive.
type line struct {
	Type    string `json:"type"`
	Process int    `json:"process"` // where it was typed
	Text    string `json:"text"`
}

// said is what a guest sends.
type said struct {
	Text string `json:"text"`
}

// Line tells everybody, wherever they are.
func (g *guest) Line(ctx context.Context, conn *consumer.Conn, said said) error {
	text := strings.TrimSpace(said.Text)
	if text == "" || utf8.RuneCountInString(text) > maxText {
		return &consumer.Error{Code: "bad_line", Message: "a line has 1 to 2000 characters"}
	}
	message, err := channel.JSON("chat.line", line{"line", g.process, text})
	if err == nil {
		_, err = conn.Layer().GroupSend(ctx, lobby, message)
	}
	return err
}

// serve is what one of the processes does.
func (c config) serve(ctx context.Context, stdout io.Writer) error {
	layer, end, err := c.layer(ctx)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		return errors.Join(err, end(context.WithoutCancel(ctx)))
	}
	chat := consumer.New(func() *guest { return &guest{c.number} },
		consumer.Options{Layer: layer, Groups: []channel.Group{lobby}},
		consumer.ReceiveType("line", (*guest).Line),
		consumer.Forward("chat.line"),
	)
	files, err := fs.Sub(web, "web")
	if err != nil {
		return err
	}
	routes := new(router.URLs)
	routes.Handle("/chat", chat)
	routes.Handle("/parley.js", nethttp.App(client.Handler()))
	routes.Handle("/", nethttp.App(http.FileServerFS(files)))
	fmt.Fprintf(stdout, "process %d: http://%s/\n", c.number, listener.Addr())
	return server.Run(ctx, router.Protocols{
		parley.HTTP: routes, parley.WebSocket: routes,
		parley.Lifespan: parley.LifespanHooks{Shutdown: end},
	}, server.Options{Listeners: []server.Listener{{Socket: listener}}})
}
