package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/parleygo/parley"
)

// wire is an app that speaks the client's wire by hand, with one group that has a
// history. It does on demand what a server does at its worst.
type wire struct {
	mu      sync.Mutex
	epoch   int
	log     []json.RawMessage
	news    chan struct{} // closed when the log grows
	members map[*parley.Socket]bool
	heard   []string       // the text of what members have said
	seen    map[string]int // how often each request with a key was heard
	opened  int            // handshakes, denied ones too
	pinged  int
	deny    int           // the status that handshakes are answered with; 0: come in
	hold    chan struct{} // closed when members may be heard again
}

func newWire() *wire {
	return &wire{epoch: 1, news: make(chan struct{}), members: make(map[*parley.Socket]bool),
		seen: make(map[string]int), hold: closedChannel()}
}

func closedChannel() chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

// said is what a member says.
type said struct {
	Type string `json:"type"`
	ID   uint64 `json:"id"`
	Text string `json:"text"`
	Key  string `json:"key"`
}

// Serve serves one member.
func (w *wire) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	return parley.WebSocketFunc(w.serve).Serve(ctx, scope, conn)
}

func (w *wire) serve(ctx context.Context, ws *parley.Socket) error {
	from, status := w.enter(ws)
	if status != 0 {
		return ws.Deny(ctx, parley.WebSocketDeny{Status: status})
	}
	defer w.leave(ws)
	accept := parley.WebSocketAccept{}
	if offered := ws.Scope().Subprotocols; len(offered) > 0 {
		accept.Subprotocol = offered[0]
	}
	if err := ws.Accept(ctx, accept); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var telling sync.WaitGroup
	defer telling.Wait()
	defer cancel()
	telling.Go(func() { w.tell(ctx, ws, from) })
	for {
		message, err := ws.Read(ctx)
		if err == nil {
			err = w.hear(ctx, ws, message)
		}
		if err != nil {
			return err
		}
	}
}

// place is where a member begins: behind what it has heard, or where the log was when it came.
type place struct {
	heard      string
	epoch, end int
}

func (w *wire) enter(ws *parley.Socket) (from place, status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opened++
	if w.deny != 0 {
		return place{}, w.deny
	}
	w.members[ws] = true
	var resumed map[string]string
	text := ws.Scope().Request.URL.Query().Get("parley-resume")
	_ = json.Unmarshal([]byte(text), &resumed) // what is not there is none
	return place{resumed["room"], w.epoch, len(w.log)}, 0
}

func (w *wire) leave(ws *parley.Socket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.members, ws)
}

// tell sends what is in the log from a place on, and what comes.
func (w *wire) tell(ctx context.Context, ws *parley.Socket, from place) {
	next, epoch := w.begin(ctx, ws, from), from.epoch
	for ctx.Err() == nil {
		w.mu.Lock()
		log, news := w.log, w.news
		w.mu.Unlock()
		for ; next < len(log); next++ {
			_ = ws.WriteJSON(ctx, map[string]any{ // a member that has gone is noticed by the reader
				"type": "parley.message", "group": "room", "data": log[next],
				"position": fmt.Sprintf("%d:%d", epoch, next+1),
			})
		}
		select {
		case <-news:
		case <-ctx.Done():
		}
	}
}

// begin tells where the log is, or what is missed.
func (w *wire) begin(ctx context.Context, ws *parley.Socket, from place) (next int) {
	kind, now := "parley.position", fmt.Sprintf("%d:%d", from.epoch, from.end)
	if of, offset, known := strings.Cut(from.heard, ":"); known {
		if at, err := strconv.Atoi(offset); err == nil && of == strconv.Itoa(from.epoch) {
			return at
		}
		kind = "parley.gap"
	}
	_ = ws.WriteJSON(ctx, map[string]any{
		"type": kind, "group": "room", "position": now, "reason": "epoch"})
	return from.end
}

func (w *wire) hear(ctx context.Context, ws *parley.Socket, message parley.WebSocketReceive) error {
	w.mu.Lock()
	hold := w.hold
	w.mu.Unlock()
	select {
	case <-hold:
	case <-ctx.Done():
		return ctx.Err()
	}
	if message.Type == parley.BinaryMessage {
		return ws.Write(ctx, parley.Binary(message.Data))
	}
	var s said
	if err := json.Unmarshal(message.Data, &s); err != nil {
		return ws.Write(ctx, parley.Text("plain "+string(message.Data)))
	}
	if s.Type == "parley.ping" {
		w.mu.Lock()
		w.pinged++
		w.mu.Unlock()
		return ws.WriteJSON(ctx, map[string]any{"type": "parley.pong"})
	}
	w.mu.Lock()
	w.heard = append(w.heard, s.Text)
	w.seen[s.Key]++
	seen := w.seen[s.Key]
	w.mu.Unlock()
	answer := map[string]any{"type": "parley.reply", "id": s.ID, "result": nil}
	switch s.Type {
	case "echo":
		answer["result"] = s.Text
	case "fail":
		answer["error"] = map[string]string{"code": "no_luck", "message": "try another one"}
	case "flaky":
		if seen == 1 {
			return nil // no answer to the first
		}
	case "mute":
		return nil
	}
	if s.ID == 0 {
		return nil
	}
	return ws.WriteJSON(ctx, answer)
}

// control has the app do something.
func (w *wire) control(ctx context.Context, what string, number int, body []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch what {
	case "/report":
	case "/publish": // so many entries
		for range number {
			w.log = append(w.log, fmt.Appendf(nil, `{"type":"said","n":%d}`, len(w.log)))
		}
		close(w.news)
		w.news = make(chan struct{})
	case "/flush": // everything is forgotten
		w.log, w.epoch = nil, w.epoch+1
	case "/tell": // everybody is sent this
		for member := range w.members {
			_ = member.Write(ctx, parley.Text(string(body))) // or it has gone
		}
	case "/kick":
		for member := range w.members {
			_ = member.Close(ctx, parley.CloseCode(number), string(body)) // or it has gone
		}
	case "/deny":
		w.deny = number
	case "/hold":
		w.hold = make(chan struct{})
	case "/release":
		close(w.hold)
	default:
		return false
	}
	return true
}

// report tells what the app knows.
func (w *wire) report() map[string]any {
	w.mu.Lock()
	defer w.mu.Unlock()
	return map[string]any{"members": len(w.members), "heard": slices.Clone(w.heard),
		"opened": w.opened, "pinged": w.pinged, "seen": maps.Clone(w.seen)}
}
