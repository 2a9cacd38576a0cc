package fallback_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/parleytest"
)

// poller is a client without a socket.
type poller struct {
	t       *testing.T
	app     *fallback.App
	session string
	cursor  uint64
}

type answer struct {
	Session  string
	Cursor   uint64
	Messages []struct {
		Text   *string
		Binary []byte
	}
	Closed *struct {
		Code   parley.CloseCode
		Reason string
	}
}

func (p *poller) get() *http.Request {
	url := "/room"
	if p.session != "" {
		url = fmt.Sprintf("/room?session=%s&cursor=%d", p.session, p.cursor)
	}
	return httptest.NewRequest("GET", url, nil)
}

func (p *poller) read(got *parleytest.Response) (a answer) {
	p.t.Helper()
	if got.Status != 200 || got.Header.Get("Cache-Control") != "no-store" {
		p.t.Fatalf("%d %q %v, %v", got.Status, got.Body, got.Header, got.Err)
	}
	if err := json.Unmarshal([]byte(got.Body), &a); err != nil {
		p.t.Fatal(err)
	}
	if a.Session != "" {
		p.session = a.Session
	}
	p.cursor = a.Cursor
	return a
}

func (p *poller) poll() answer {
	p.t.Helper()
	return p.read(parleytest.Do(p.t, p.app, p.get()))
}

func (p *poller) post(body string, header ...string) int {
	p.t.Helper()
	request := httptest.NewRequest("POST", "/room", strings.NewReader(body))
	request.Header.Set("Parley-Session", p.session)
	if header != nil {
		request.Header.Set("Content-Type", header[0])
	}
	return parleytest.Do(p.t, p.app, request).Status
}

// echoes is a room whose consumer echoes, and forwards lines to the lobby.
func echoes(t *testing.T, layer *channel.Layer, options fallback.Options) (*room, *fallback.App) {
	r := &room{receive: func(ctx context.Context, conn *consumer.Conn, m parley.WebSocketReceive) error {
		if m.Text() == "panic" || m.Text() == "close" || m.Text() == "error" {
			return endsAsTold(ctx, conn, m)
		}
		return conn.Send(ctx, parley.WebSocketSend{Type: m.Type, Data: m.Data})
	}}
	options.Logger = silent
	app := fallback.New(consumer.New(r.factory,
		consumer.Options{Layer: layer, Groups: []channel.Group{"lobby"}}, consumer.Forward("line")), options)
	t.Cleanup(func() {
		if err := app.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r, app
}

// B3.4: a poll hears the layer, and nothing is lost between polls.
func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t)
		r, app := echoes(t, layer, fallback.Options{})
		p := &poller{t: t, app: app}
		if first := p.poll(); first.Session == "" || len(first.Session) < 26 || len(first.Messages) != 0 {
			t.Errorf("%+v", first)
		}
		x := parleytest.Start(t, app, p.get())
		if !x.Quiet() {
			t.Error("a poll without news has answered")
		}
		broadcast(t, layer, "lobby", "line", "a")
		if got := p.read(x.Response()); len(got.Messages) != 1 || *got.Messages[0].Text != "a" {
			t.Errorf("%+v", got)
		}
		broadcast(t, layer, "lobby", "line", "b") // between polls
		if p.post("c") != 204 || p.post("d", "application/octet-stream") != 204 {
			t.Error("not taken")
		}
		synctest.Wait()
		unconfirmed := p.cursor
		for range 2 { // the answer to the first was lost
			p.cursor = unconfirmed
			got := p.poll()
			if len(got.Messages) != 3 || *got.Messages[0].Text != "b" || *got.Messages[1].Text != "c" || string(got.Messages[2].Binary) != "d" {
				t.Errorf("%+v", got)
			}
		}
		began := time.Now()
		if got := p.poll(); len(got.Messages) != 0 || time.Since(began) != 25*time.Second {
			t.Errorf("%+v after %v", got, time.Since(began))
		}
		if stats := app.Stats(); stats.Sessions != 1 {
			t.Errorf("%+v", stats)
		}
		time.Sleep(16 * time.Second) // longer than the lease
		synctest.Wait()
		if got := r.disconnects(); len(got) != 1 || !errors.Is(got[0], parley.ErrDisconnected) {
			t.Errorf("disconnected with %v", got)
		}
		if got := parleytest.Do(t, app, p.get()); got.Status != 404 || app.Stats().Sessions != 0 || layer.Stats().Inboxes != 0 {
			t.Errorf("%+v, %+v", got, app.Stats())
		}
	})
}

// How a session ends: the client is told, the consumer once.
func TestSessionEnds(t *testing.T) {
	for _, test := range []struct {
		name  string
		act   func(p *poller, layer *channel.Layer)
		code  parley.CloseCode
		cause error
	}{
		{"B2.5 ErrStop", func(p *poller, _ *channel.Layer) { p.post("close") }, 1000, parley.ErrFinished},
		{"E6 error", func(p *poller, _ *channel.Layer) { p.post("error") }, 1011, errTest},
		{"E6 panic", func(p *poller, _ *channel.Layer) { p.post("panic") }, 1011, parley.ErrAppPanic},
		{"E7 kick", func(_ *poller, layer *channel.Layer) {
			_, _ = layer.KickGroup(context.Background(), "lobby", parley.ErrAuthExpired)
		}, 4401, parley.ErrAuthExpired},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				layer := newLayer(t)
				r, app := echoes(t, layer, fallback.Options{})
				p := &poller{t: t, app: app}
				p.poll()
				test.act(p, layer)
				got := p.poll()
				if got.Closed == nil || got.Closed.Code != test.code {
					t.Errorf("%+v", got)
				}
				synctest.Wait() // the client hears of it first
				if causes := r.disconnects(); len(causes) != 1 || !errors.Is(causes[0], test.cause) {
					t.Errorf("disconnected with %v", causes)
				}
				if status := p.post("x"); status != 404 {
					t.Errorf("posting afterwards: %d", status)
				}
			})
		})
	}
}

// One definition for all: the same over a stream, with a resume and no gap.
func TestServerSentEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t)
		r, app := echoes(t, layer, fallback.Options{})
		x := parleytest.Start(t, app, streamRequest(""))
		opened, _ := x.Read()
		_, id, _ := strings.Cut(opened, "id: ")
		id, _, _ = strings.Cut(id, ".0\n")
		if !strings.HasPrefix(opened, "event: open\n") || x.Header().Get("Content-Type") != "text/event-stream" {
			t.Errorf("%q", opened)
		}
		broadcast(t, layer, "lobby", "line", "a\nb")
		if got, _ := x.Read(); got != "id: "+id+".1\ndata: a\ndata: b\n\n" {
			t.Errorf("%q", got)
		}
		if got, _ := x.ReadWithin(20 * time.Second); got != ": \n\n" {
			t.Errorf("heartbeat %q", got)
		}
		x.Vanish()
		x.Wait()
		broadcast(t, layer, "lobby", "line", "c") // while away
		x = parleytest.Start(t, app, streamRequest(id+".0"))
		x.Read()
		if got, _ := x.Read(); got != "id: "+id+".1\ndata: a\ndata: b\n\nid: "+id+".2\ndata: c\n\n" {
			t.Errorf("resumed with %q", got)
		}
		if got := r.disconnects(); got != nil {
			t.Errorf("disconnected with %v", got)
		}
		if err := app.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if got, _ := x.Read(); got != "event: close\ndata: {\"code\":1012}\n\n" || x.Wait() != nil {
			t.Errorf("%q", got)
		}
		if got := r.disconnects(); len(got) != 1 || !errors.Is(got[0], parley.ErrDraining) {
			t.Errorf("disconnected with %v", got)
		}
		if got := parleytest.Do(t, app, streamRequest("")); got.Status != 503 {
			t.Errorf("opened after Close: %d", got.Status)
		}
	})
}

func streamRequest(last string) *http.Request {
	request := httptest.NewRequest("GET", "/room", nil)
	request.Header.Set("Accept", "text/event-stream")
	if last != "" {
		request.Header.Set("Last-Event-ID", last)
	}
	return request
}

// Bad input of clients without a socket.
func TestFallbackRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, app := echoes(t, newLayer(t), fallback.Options{MaxSessions: 1, MaxMessage: 4})
		p := &poller{t: t, app: app}
		if got := p.post("x"); got != 404 {
			t.Errorf("without a session: %d", got)
		}
		p.poll()
		for body, want := range map[string]int{"12345": 413, "\xff": 400, "1234": 204} {
			if got := p.post(body); got != want {
				t.Errorf("%q: %d, want %d", body, got, want)
			}
		}
		if got := (&poller{t: t, app: app}).status("GET"); got != 503 {
			t.Errorf("one too many: %d", got)
		}
		for method, want := range map[string]int{"PUT": 405, "HEAD": 405, "OPTIONS": 204} {
			if got := p.status(method); got != want {
				t.Errorf("%s: %d, want %d", method, got, want)
			}
		}
		if got := p.status("DELETE"); got != 204 {
			t.Errorf("goodbye: %d", got)
		}
		if got := p.status("DELETE"); got != 404 {
			t.Errorf("goodbye again: %d", got)
		}
		p.cursor = 99
		if got := p.status("GET"); got != 404 {
			t.Errorf("cursor from nowhere: %d", got)
		}
	})
}

func (p *poller) status(method string) int {
	p.t.Helper()
	request := p.get()
	request.Method = method
	return parleytest.Do(p.t, p.app, request).Status
}

// B2.9: the handshake's answer is the first request's.
func TestFallbackAnswers(t *testing.T) {
	for status, connect := range map[int]func(context.Context, *consumer.Conn) (consumer.Answer, error){
		401: denies, 500: failsToConnect,
	} {
		r := &room{connect: connect}
		app := fallback.New(consumer.New(r.factory), fallback.Options{Logger: silent})
		if got := parleytest.Do(t, app, request()); got.Status != status {
			t.Errorf("%d %q, want %d", got.Status, got.Body, status)
		}
		if err := app.Close(t.Context()); err != nil || len(r.disconnects()) != 1 {
			t.Errorf("%v, disconnected with %v", err, r.disconnects())
		}
	}
}

// E13: a client that does not poll is a slow one.
func TestSlowPoller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t)
		_, app := echoes(t, layer, fallback.Options{QueueMessages: 3})
		p := &poller{t: t, app: app}
		p.poll()
		for i := range 5 {
			broadcast(t, layer, "lobby", "line", fmt.Sprint(i))
		}
		synctest.Wait()
		if got := p.poll(); len(got.Messages) != 3 {
			t.Errorf("%+v", got)
		}
		if got := p.poll(); got.Closed == nil || got.Closed.Code != 1013 {
			t.Errorf("%+v, %+v", got, app.Stats())
		}
	})
}

// A process that ends takes its sessions with it.
func TestLifespan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, app := echoes(t, newLayer(t), fallback.Options{})
		(&poller{t: t, app: app}).poll()
		conn := &script{events: []parley.Event{parley.LifespanStartup{}, parley.LifespanShutdown{}}}
		if err := app.Serve(t.Context(), &parley.Scope{Protocol: parley.Lifespan}, conn); err != nil {
			t.Error(err)
		}
		if got := r.disconnects(); len(got) != 1 || !errors.Is(got[0], parley.ErrDraining) {
			t.Errorf("disconnected with %v", got)
		}
	})
}

// script is a conn that says its lines and refuses all it is sent.
type script struct {
	events []parley.Event
	refuse error
}

func (s *script) Receive(context.Context) (parley.Event, error) {
	if len(s.events) == 0 {
		return nil, errTest
	}
	event := s.events[0]
	s.events = s.events[1:]
	return event, nil
}

func (s *script) Send(context.Context, parley.Event) error { return s.refuse }
