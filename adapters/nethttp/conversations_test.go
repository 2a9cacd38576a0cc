package nethttp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/census"
	"github.com/parleygo/parley/router"
)

// looked is an app that serves streams and echoing sockets, below a router.
func looked(told chan<- error) parley.App {
	name := "ann"
	var urls router.URLs
	urls.Handle("/chat/{room}", parley.AppFunc(func(
		ctx context.Context, scope *parley.Scope, conn parley.Conn,
	) error {
		census.BadgeOf(conn).SetUser(&name)
		if scope.Protocol == parley.WebSocket {
			return parley.WebSocketFunc(echoAll).Serve(ctx, scope, conn)
		}
		done := ctx.Done()
		sendAll(ctx, conn, parley.HTTPResponseStart{Status: 200},
			parley.HTTPResponseBody{Body: []byte("1"), More: true})
		<-done
		told <- context.Cause(ctx)
		return sendAll(context.WithoutCancel(ctx), conn, parley.HTTPResponseBody{Body: []byte("bye")})
	}))
	return &urls
}

func echoAll(ctx context.Context, ws *parley.Socket) error {
	if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
		return err
	}
	for {
		message, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		err = ws.Write(ctx, parley.WebSocketSend{Type: message.Type, Data: message.Data})
		if err != nil {
			return err
		}
	}
}

// Who looks on sees each conversation with its route, user and traffic, and can end
// it with a code that its client understands; how it ended is remembered.
func TestConversations(t *testing.T) {
	for name, open := range map[string]func(t *testing.T, url string) (rest func() string){
		"websocket": func(t *testing.T, url string) func() string {
			ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(url, "http"), nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { ws.Close() })
			ws.WriteMessage(websocket.TextMessage, []byte("hello"))
			if _, got, err := ws.ReadMessage(); string(got) != "hello" {
				t.Fatal(string(got), err)
			}
			return func() string {
				_, _, err := ws.ReadMessage()
				return err.Error()
			}
		},
		"http": func(t *testing.T, url string) func() string {
			answer, err := http.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { answer.Body.Close() })
			io.ReadFull(answer.Body, make([]byte, 1))
			return func() string {
				rest, _ := io.ReadAll(answer.Body)
				return string(rest)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			told := make(chan error, 1)
			g := nethttp.Handler(looked(told))
			server := adaptertest.Serve(t, g)
			rest := open(t, server.URL+"/chat/go?token=secret")
			list := slices.Collect(g.Conversations())
			if len(list) != 1 || g.Stats().Live != 1 {
				t.Fatalf("%+v", list)
			}
			c := list[0]
			want := parley.Conversation{
				ID: c.ID, Protocol: parley.Protocol(name), Transport: "HTTP/1.1", Route: "/chat/{room}",
				Path: "/chat/go", Client: c.Client, User: "ann", Begun: c.Begun, Open: true,
			}
			ends, code := "bye", parley.ClosePolicyViolation
			if name == "websocket" {
				want.MessagesIn, want.BytesIn, want.MessagesOut, want.BytesOut = 1, 5, 1, 7
				ends = "websocket: close 1008 (policy violation)"
			}
			if c != want || !strings.HasPrefix(c.Client, "127.0.0.1:") || time.Since(c.Begun) > time.Minute {
				t.Errorf("%+v\nwant %+v", c, want)
			}
			if g.End(c.ID+1000, parley.ErrKicked) || !g.End(c.ID, parley.ErrKicked) {
				t.Error("one is there, the other is not")
			}
			if got := rest(); got != ends {
				t.Errorf("ended with %q", got)
			}
			if name == "http" && <-told != parley.ErrKicked {
				t.Error("told something else")
			}
			await(t, func() bool { return g.Stats().Live == 0 })
			got := g.Endings()
			if len(got) != 1 || got[0].Conversation != want || got[0].Code != code ||
				!errors.Is(got[0].Cause, parley.ErrKicked) || got[0].Ended.Before(c.Begun) {
				t.Errorf("endings %+v", got)
			}
		})
	}
}

func await(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen")
		}
	}
}

// Looking on, and ending, races with nothing.
func TestLookingOn(t *testing.T) {
	told := make(chan error, 1000)
	g := nethttp.Handler(looked(told))
	server := adaptertest.Serve(t, g)
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for range 8 {
				ws, _, err := websocket.DefaultDialer.Dial(
					"ws"+strings.TrimPrefix(server.URL, "http")+"/chat/go", nil)
				if err != nil {
					continue // ended in the handshake
				}
				ws.WriteMessage(websocket.BinaryMessage, []byte("hello"))
				ws.ReadMessage()
				ws.Close()
				if answer, err := http.Get(server.URL + "/chat/http"); err == nil {
					io.ReadAll(answer.Body) // until it is ended
					answer.Body.Close()
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { clients.Wait(); close(over) }()
	for n := 0; ; n++ {
		select {
		case <-over:
			return
		default:
		}
		for c := range g.Conversations() {
			if n%3 == 0 || c.Protocol == parley.HTTP {
				g.End(c.ID, parley.ErrKicked)
			}
		}
		g.Endings()
	}
}

func TestEndWantsACause(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	nethttp.Handler(looked(nil)).End(1, nil)
}
