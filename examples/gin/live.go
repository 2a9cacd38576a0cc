package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/router"
)

// changes is the group of all who listen.
const changes channel.Group = "changes"

// liveChanges returns a feed of the requests to r that change something: a
// WebSocket to those who ask for one, an SSE stream to the others. Routes that
// are registered later are heard of.
func liveChanges(r *gin.Engine) *nethttp.Gateway {
	layer := channel.New(channel.Options{})
	r.Use(func(c *gin.Context) {
		c.Next()
		switch {
		case c.Request.Method == http.MethodGet, c.Request.Method == http.MethodHead, c.Writer.Status() >= 400:
			return
		}
		change, err := channel.JSON("change", gin.H{"method": c.Request.Method, "path": c.Request.URL.Path})
		if err == nil {
			_, err = layer.GroupSend(c.Request.Context(), changes, change)
		}
		if err != nil {
			_ = c.Error(err)
		}
	})
	apps := router.Protocols{parley.WebSocket: socket(layer), parley.HTTP: stream(layer)}
	return nethttp.Handler(apps, nethttp.Options{Mode: nethttp.Hold})
}

// socket sends every change as a message.
func socket(layer *channel.Layer) parley.App {
	return parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		inbox, err := listen(ctx, layer)
		if err != nil {
			return err
		}
		defer inbox.Close()
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		for {
			change, err := inbox.Receive(ctx)
			if err != nil {
				return err
			}
			if err := ws.Write(ctx, change.Send()); err != nil {
				return err
			}
		}
	})
}

// stream writes every change as a server-sent event.
func stream(layer *channel.Layer) parley.App {
	return parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		inbox, err := listen(ctx, layer)
		if err != nil {
			return err
		}
		defer inbox.Close()
		header := http.Header{"Content-Type": {"text/event-stream"}, "Cache-Control": {"no-cache"}}
		w, err := parley.NewBodyWriter(ctx, conn, parley.HTTPResponseStart{Status: http.StatusOK, Header: header})
		if err != nil {
			return err
		}
		for {
			if err := w.Flush(); err != nil {
				return err
			}
			change, err := inbox.Receive(ctx)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "event: %s\ndata: %s\n\n", change.Type(), change.Payload())
		}
	})
}

func listen(ctx context.Context, layer *channel.Layer) (*channel.Inbox, error) {
	inbox, err := layer.Open(ctx, channel.InboxOptions{})
	if err != nil {
		return nil, err
	}
	if err := inbox.Join(ctx, changes); err != nil {
		inbox.Close()
		return nil, err
	}
	return inbox, nil
}
