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
	"time"
	"unicode/utf8"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/client"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/router"
	"github.com/parleygo/parley/server"
)

//go:embed web
var web embed.FS

const (
	lobby   = channel.Group("lobby")
	maxText = 2000 // characters
	maxName = 24
)

// history has the last lines kept, where all processes find them: for those who come in,
// and for those who come back, to whichever process.
var history = []channel.HistoryRule{{
	Pattern: string(lobby), Keep: channel.Keep{Messages: 200, Age: 24 * time.Hour},
}}

// guest is somebody who talks to one of the processes.
type guest struct {
	process int
	name    string
}

// person is what others see of a guest.
type person struct {
	Name    string `json:"name"`
	Process int    `json:"process"`
}

// line is what all guests of all processes receive.
type line struct {
	Type    string `json:"type"`
	Process int    `json:"process"` // where it was typed
	From    string `json:"from"`
	Text    string `json:"text"`
}

// said is what a guest sends.
type said struct {
	Text string `json:"text"`
}

// Connect has the guest be in the lobby for all to see, once let in.
func (g *guest) Connect(ctx context.Context, conn *consumer.Conn) (consumer.Answer, error) {
	g.name = strings.TrimSpace(conn.Scope().Request.URL.Query().Get("name"))
	if g.name == "" || !utf8.ValidString(g.name) || utf8.RuneCountInString(g.name) > maxName {
		return consumer.Deny(parley.WebSocketDeny{Status: http.StatusBadRequest}), nil
	}
	_, err := conn.Enter(ctx, lobby, person{g.name, g.process})
	return consumer.Accept(parley.WebSocketAccept{}), err
}

// Line tells everybody, wherever they are.
func (g *guest) Line(ctx context.Context, conn *consumer.Conn, said said) error {
	text := strings.TrimSpace(said.Text)
	if text == "" || utf8.RuneCountInString(text) > maxText {
		return &consumer.Error{Code: "bad_line", Message: "a line has 1 to 2000 characters"}
	}
	message, err := channel.JSON("chat.line", line{"line", g.process, g.name, text})
	if err == nil {
		_, err = conn.Layer().GroupSend(ctx, lobby, message)
	}
	return err
}

// serve is what one of the processes does. Whatever it ends with, it says goodbye to the
// others: the server need not have started for that.
func (c config) serve(ctx context.Context, stdout io.Writer) error {
	layer, end, err := c.layer(ctx)
	if err != nil {
		return err
	}
	err = c.chat(ctx, layer, stdout)
	return errors.Join(err, end(context.WithoutCancel(ctx)))
}

// chat serves guests until ctx ends, and then those who are there to their end.
func (c config) chat(ctx context.Context, layer *channel.Layer, stdout io.Writer) error {
	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		return err
	}
	chat := consumer.New(func() *guest { return &guest{process: c.number} },
		consumer.Options{Layer: layer},
		consumer.ReceiveType("line", (*guest).Line),
		consumer.Forward("chat.line"),
	)
	files, err := fs.Sub(web, "web")
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	routes := new(router.URLs)
	routes.Handle("/chat", fallback.New(chat, fallback.Options{})) // serves who has no socket, too
	routes.Handle("/parley.js", nethttp.App(client.Handler()))
	routes.Handle("/", nethttp.App(http.FileServerFS(files)))
	fmt.Fprintf(stdout, "process %d: http://%s/\n", c.number, listener.Addr())
	return server.Run(ctx, router.Protocols{parley.HTTP: routes, parley.WebSocket: routes},
		server.Options{Listeners: []server.Listener{{Socket: listener}}, DrainTimeout: 10 * time.Second})
}
