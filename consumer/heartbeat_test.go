package consumer_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/parleytest"
)

// sleeper has handlers that wait to be woken.
type sleeper struct {
	opens bool
	awake chan struct{}

	mu    sync.Mutex
	heard []string
}

func (s *sleeper) Open(ctx context.Context, conn *consumer.Conn) error {
	if s.opens {
		return s.sleep(ctx, conn, struct{}{})
	}
	return nil
}

func (s *sleeper) sleep(context.Context, *consumer.Conn, struct{}) error {
	<-s.awake
	return nil
}

func (s *sleeper) line(_ context.Context, _ *consumer.Conn, line said) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, line.Text)
	return nil
}

// Whatever keeps the consumer of a socket busy, its client hears that somebody is there,
// and what it says meanwhile is heard afterwards.
func TestPingsAreAnsweredWhileHandlersRun(t *testing.T) {
	const ping, pong = `{"type":"parley.ping"}`, `{"type":"parley.pong"}`
	for _, test := range []struct {
		name    string
		options consumer.Options
		opens   bool     // it is busy as soon as it is open
		lines   []string // that make it busy otherwise
	}{
		{name: "open", opens: true},
		{name: "message", lines: []string{`{"type":"sleep"}`}},
		{name: "request", lines: []string{`{"type":"sleep","id":1}`},
			options: consumer.Options{RequestTimeout: -1}},
		{name: "lent", lines: []string{`{"type":"sleep"}`}, options: consumer.Options{Lend: true}},
		{name: "executor", lines: []string{`{"type":"sleep"}`},
			options: consumer.Options{Executor: &apart{}}},
		{name: "layer", lines: []string{`{"type":"doze"}`, `{"type":"line"}`}},
		{name: "all queues", options: consumer.Options{Concurrency: 2},
			lines: slices.Repeat([]string{`{"type":"sleep"}`}, 2*(1+16)+1)},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &sleeper{opens: test.opens, awake: make(chan struct{})}
			test.options.Layer, test.options.Logger = channel.New(channel.Options{}), silent
			client := join(t, serve(t, consumer.New(func() *sleeper { return s }, test.options,
				consumer.ReceiveType("sleep", (*sleeper).sleep),
				consumer.ReceiveType("line", (*sleeper).line),
				consumer.ReceiveType("doze", doze),
				consumer.On("sleep", (*sleeper).sleep),
			)))
			for _, line := range test.lines {
				tell(t, client, line)
			}
			for n := range 3 {
				tell(t, client, fmt.Sprintf(`{"type":"line","text":"%d"}`, n))
				tell(t, client, ping)
				if _, got, err := client.ReadMessage(); err != nil || string(got) != pong {
					t.Fatalf("%s, %v", got, err)
				}
			}
			close(s.awake)
			tell(t, client, `{"type":"line","text":"3","id":9}`)
			for got := ""; got != `{"type":"parley.reply","id":9,"result":null}`; {
				_, data, err := client.ReadMessage()
				if got = string(data); err != nil {
					t.Fatal(err)
				}
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			heard := slices.DeleteFunc(s.heard, func(text string) bool { return text == "" })
			if test.options.Concurrency == 0 && fmt.Sprint(heard) != "[0 1 2 3]" {
				t.Errorf("heard %q", heard)
			}
		})
	}
}

// A client without a socket hears it by the answer to its ping, even if its messages
// before that wait since there is no room for them.
func TestPingsAreAnsweredWithoutASocket(t *testing.T) {
	const pong = `{"type":"parley.pong"}`
	synctest.Test(t, func(t *testing.T) {
		s := &sleeper{awake: make(chan struct{})}
		app := fallback.New(consumer.New(func() *sleeper { return s },
			consumer.Options{Logger: silent},
			consumer.ReceiveType("sleep", (*sleeper).sleep), consumer.ReceiveType("line", (*sleeper).line),
		), fallback.Options{ReceiveBytes: 1})
		stream := &byStream{requester: requester{t: t, app: app}}
		opening := resuming("")
		opening.Header.Set("Accept", "text/event-stream")
		stream.x = stream.begin(opening)
		heard := make(chan string)
		go func() { heard <- stream.next() }()
		synctest.Wait()
		post := func(text string) *parleytest.Exchange {
			return stream.begin(httptest.NewRequest("POST", "/chat", strings.NewReader(text)))
		}
		asleep := post(`{"type":"sleep"}`)
		if got := asleep.Response(); got.Status != http.StatusNoContent {
			t.Fatalf("%d", got.Status)
		}
		synctest.Wait()
		var waiting []*parleytest.Exchange // for room, or for those that do; one is as long as a ping
		for _, text := range []string{`{"type":"line"}`, `{"type":"line","n":1}`, `{"type":"line","a":12}`} {
			waiting = append(waiting, post(text))
			synctest.Wait()
		}
		if got := post(`{"type":"parley.ping"}`).Response(); got.Status != http.StatusNoContent {
			t.Errorf("ping: %d", got.Status)
		}
		if got := <-heard; got != pong {
			t.Errorf("got %s", got)
		}
		close(s.awake)
		for i, x := range waiting {
			if got := x.Response(); got.Status != http.StatusNoContent {
				t.Errorf("%d: %d", i, got.Status)
			}
		}
		synctest.Wait()
		if len(s.heard) != len(waiting) {
			t.Errorf("heard %q", s.heard)
		}
		stream.leave()
	})
}

// doze has the layer wake the consumer's handler of it.
func doze(_ *sleeper, ctx context.Context, conn *consumer.Conn, _ struct{}) error {
	return conn.Layer().Send(ctx, conn.Name(), channel.NewMessage("sleep", []byte("{}")))
}

func tell(t *testing.T, client *websocket.Conn, line string) {
	t.Helper()
	if err := client.WriteMessage(websocket.TextMessage, []byte(line)); err != nil {
		t.Fatal(err)
	}
}

// A consumer that takes text as it is gets pings, too, and nobody else answers them.
func TestPingsOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy, heard := make(chan struct{}), make(chan string, 3)
		client := join(t, serve(t, consumer.New(func() textFunc {
			return func(text string) { <-busy; heard <- text }
		})))
		for range 3 {
			tell(t, client, `{"type":"parley.ping"}`)
			synctest.Wait()
		}
		close(busy)
		for range 3 {
			if got := <-heard; got != `{"type":"parley.ping"}` {
				t.Errorf("heard %q", got)
			}
		}
	})
}

type textFunc func(text string)

func (f textFunc) ReceiveText(_ context.Context, _ *consumer.Conn, text string) error {
	f(text)
	return nil
}
