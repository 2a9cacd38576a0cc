package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

const (
	maxRooms   = 1000
	maxHistory = 50
	maxText    = 2000 // characters of a line
)

// history has the layer keep what was said last in each room, for those who come in and
// those who come back. A page names how far it has heard a room, which is nothing when it
// comes in, and the consumer sends it what it has missed.
var history = []channel.HistoryRule{{
	Pattern: "room.*", Keep: channel.Keep{Messages: maxHistory, Age: 24 * time.Hour},
}}

// line is what all pages in the room receive.
type line struct {
	Type   string    `json:"type"`
	Number uint64    `json:"number"` // counts the room's lines: a gap is a loss
	Key    string    `json:"key"`
	From   string    `json:"from"`
	Text   string    `json:"text"`
	At     time.Time `json:"at"`
	Typing uint64    `json:"typingNumber"` // that of the list by then: a page that has an
	// older one has lost some, and asks for it
}

// list is who is typing: all of them each time.
type list struct {
	Type   string   `json:"type"`
	Number uint64   `json:"number"` // counts the changes
	Nicks  []string `json:"nicks"`
}

// welcome is what a page gets first. Behind it come the lines that it has missed, and
// who is here.
type welcome struct {
	Type   string `json:"type"`
	Number uint64 `json:"number"` // that of the last line
	Typing list   `json:"typing"`
}

// rooms are all there are. A room is made for whoever comes first, and stays.
type rooms struct {
	layer *channel.Layer

	mu     sync.Mutex
	byName map[string]*room
}

func (r *rooms) find(name string) (*room, error) {
	group, err := channel.ParseGroup("room." + name)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	found := r.byName[name]
	if found == nil {
		if len(r.byName) >= maxRooms {
			return nil, errors.New("there are enough rooms")
		}
		if r.byName == nil {
			r.byName = make(map[string]*room)
		}
		found = &room{layer: r.layer, lines: group, hints: "hints." + group[len("room."):],
			typists: make(map[*member]bool), typing: list{"typing", 0, []string{}}}
		r.byName[name] = found
	}
	return found, nil
}

// room is two groups of the layer, one of which is kept, and what one has to know to
// enter it. What is told to the groups is told under the lock: a broadcast waits for
// nobody, and so the order is that of the numbers for everyone.
type room struct {
	layer *channel.Layer
	lines channel.Group // kept, and where members are seen by the others
	hints channel.Group // of which the latest is enough

	mu      sync.Mutex
	typists map[*member]bool
	said    []uttered // the last lines
	count   uint64
	typing  list
}

// uttered is a line that was heard.
type uttered struct{ key, from string }

// enter joins the groups and sends what there is, at one moment: no list is missed
// between the two. Of the lines, and of who is here, the layer sees to it.
func (r *room) enter(ctx context.Context, m *member, conn *consumer.Conn) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := conn.Join(ctx, r.hints); err != nil {
		return err
	}
	if _, err := conn.Enter(ctx, r.lines, m.nick); err != nil { // until it leaves, in whatever way
		return err
	}
	// Nothing waits to be sent to a new client, so this does not wait either.
	return conn.SendValue(ctx, welcome{"welcome", r.count, r.typing})
}

func (r *room) leave(ctx context.Context, m *member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set(ctx, m, false)
}

// say tells the room a line, unless it has been told: a page that was cut off
// says again what it has not heard back.
func (r *room) say(ctx context.Context, m *member, key, text string) error {
	text = strings.TrimSpace(text)
	if text == "" || utf8.RuneCountInString(text) > maxText {
		return &consumer.Error{Code: "no_line", Message: "A line has 1 to 2000 characters."}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.said, uttered{key, m.nick}) {
		return nil
	}
	said := line{"line", r.count + 1, key, m.nick, text, time.Now().UTC(), r.typing.Number}
	if err := r.tell(ctx, r.lines, "chat.line", said); err != nil {
		return err
	}
	r.count++
	r.said = append(r.said[max(0, len(r.said)+1-maxHistory):], uttered{key, m.nick})
	r.set(ctx, m, false)
	return nil
}

// types tells the room that somebody has begun to type, or thinks again.
func (r *room) types(ctx context.Context, m *member, on bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set(ctx, m, on)
	return nil
}

// who tells one client who is typing. It may be a slow one, so the room does not wait
// for it, and a newer list may come first.
func (r *room) who(ctx context.Context, conn *consumer.Conn) error {
	r.mu.Lock()
	typing := r.typing
	r.mu.Unlock()
	return conn.SendValue(ctx, typing)
}

// set tells the room who is typing, if that has changed.
func (r *room) set(ctx context.Context, m *member, types bool) {
	if delete(r.typists, m); types {
		r.typists[m] = true
	}
	nicks := []string{}
	for m := range r.typists {
		nicks = append(nicks, m.nick)
	}
	slices.Sort(nicks)
	nicks = slices.Compact(nicks) // one may have several pages
	if slices.Equal(nicks, r.typing.Nicks) {
		return
	}
	r.typing = list{"typing", r.typing.Number + 1, nicks}
	_ = r.tell(ctx, r.hints, "chat.typing", r.typing) // fails only when all is over
}

func (r *room) tell(ctx context.Context, group channel.Group, typ string, value any) error {
	message, err := channel.JSON(typ, value)
	if err != nil {
		return err
	}
	_, err = r.layer.GroupSend(context.WithoutCancel(ctx), group, message) // also if the teller has left
	return err
}
