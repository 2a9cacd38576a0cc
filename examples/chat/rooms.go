package main

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// rooms are groups of a channel layer: what is said in one reaches all who have
// joined it.
type rooms struct{ layer *channel.Layer }

// said is what a page sends.
type said struct {
	ID   string `json:"id"` // the page's own, by which it knows its line again
	Text string `json:"text"`
}

// line is what all pages in the room receive.
type line struct {
	Type string    `json:"type"`
	ID   string    `json:"id"`
	From string    `json:"from"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// serve serves one page: its room is in the path, its nickname in the query.
func (r *rooms) serve(ctx context.Context, ws *parley.Socket) error {
	room, err := channel.ParseGroup("room." + ws.Scope().PathValue("room"))
	if err != nil {
		return ws.Deny(ctx, parley.WebSocketDeny{Status: http.StatusNotFound, Body: []byte(err.Error())})
	}
	inbox, err := r.layer.Open(ctx, channel.InboxOptions{})
	if err != nil {
		return err
	}
	defer inbox.Close() // leaves the room
	if err := inbox.Join(ctx, room); err != nil {
		return err
	}
	if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
		return err
	}

	ctx, end := context.WithCancelCause(ctx)
	var hearing sync.WaitGroup
	defer hearing.Wait()
	defer end(nil)
	hearing.Go(func() { end(r.hear(ctx, ws, room)) })
	for {
		message, err := inbox.Receive(ctx)
		if err != nil {
			return err // the peer left, or was too slow
		}
		if err := ws.Write(ctx, message.Prepared().Send()); err != nil { // encoded once for the whole room
			return err
		}
	}
}

// hear tells the room what one page says.
func (r *rooms) hear(ctx context.Context, ws *parley.Socket, room channel.Group) error {
	nick := nickname(ws.Scope().Request.URL.Query().Get("nick"))
	for {
		var said said
		if err := ws.ReadJSON(ctx, &said); err != nil {
			return err
		}
		if said.Text = strings.TrimSpace(said.Text); said.Text == "" {
			continue
		}
		message, err := channel.JSON("line", line{"line", said.ID, nick, said.Text, time.Now().UTC()})
		if err != nil {
			return err
		}
		if _, err := r.layer.GroupSend(ctx, room, message); err != nil {
			return err
		}
	}
}

// nickname makes a name of what somebody wants to be called: one line, not long.
func nickname(wish string) string {
	printable := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, wish)
	name := []rune(strings.TrimSpace(printable))
	name = name[:min(len(name), 24)]
	return cmp.Or(strings.TrimSpace(string(name)), "somebody")
}
