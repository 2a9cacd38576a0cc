package inspect_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/internal/leak"
	"github.com/parleygo/parley/router"
	"github.com/parleygo/parley/server"
	"github.com/parleygo/parley/server/inspect"
	"github.com/parleygo/parley/sse"
)

func TestMain(m *testing.M) { leak.Main(m) }

// service is a process with somebody to look at.
type service struct {
	t     *testing.T
	host  string
	layer *channel.Layer
	pool  *bridge.Bridge
	page  http.Handler
	ended chan error
	stop  context.CancelFunc
}

// start serves chats, feeds and the inspector. Who is logged in says ?user=.
func start(t *testing.T) *service {
	t.Helper()
	pool, err := bridge.New(bridge.Options{Capacity: 8, MaxLanes: 4})
	if err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, layer: channel.New(channel.Options{}), pool: pool, ended: make(chan error, 1)}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.WithoutCancel(t.Context()))
	ready := make(chan net.Addr, 1)
	options := server.Options{
		Addr: "127.0.0.1:0", Serving: func(addr net.Addr) { ready <- addr },
		Logger: slog.New(slog.DiscardHandler),
	}
	go func() { s.ended <- server.Run(ctx, s.app(), options) }()
	select {
	case addr := <-ready:
		s.host = addr.String()
	case err := <-s.ended:
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

func (s *service) close() {
	s.stop()
	if err := <-s.ended; err != nil {
		s.t.Error(err)
	}
	ctx := context.Background()
	if err := s.pool.Close(ctx); err != nil {
		s.t.Error(err)
	}
	if err := s.layer.Close(ctx); err != nil {
		s.t.Error(err)
	}
}

func (s *service) app() parley.App {
	var urls router.URLs
	urls.Handle("/chat/{room}", fallback.New(parley.WebSocketFunc(s.chat), fallback.Options{}))
	urls.Handle("/feed/{topic}", sse.Func(func(ctx context.Context, stream *sse.Stream) error {
		stream.Send(ctx, sse.Event{Data: "news"})
		<-ctx.Done()
		return context.Cause(ctx)
	}, sse.Options{}))
	s.page = inspect.Handler(inspect.Options{
		Layers:  map[string]*channel.Layer{"main": s.layer},
		Bridges: map[string]*bridge.Bridge{"orm": s.pool},
		Logger:  slog.New(slog.DiscardHandler),
	})
	urls.Handle("/inspect/", nethttp.App(s.page))
	return auth.Middleware(auth.Options{Authenticators: []auth.Authenticator{
		auth.AuthenticatorFunc(func(_ context.Context, scope *parley.Scope) (*auth.Identity, error) {
			if user := scope.Request.URL.Query().Get("user"); user != "" {
				return &auth.Identity{ID: user}, nil
			}
			return nil, nil
		}),
	}})(&urls)
}

// chat joins a room and says back what it hears; "flood" is answered with more than a
// client takes that does not read.
func (s *service) chat(ctx context.Context, ws *parley.Socket) error {
	if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
		return err
	}
	inbox, err := s.layer.Open(ctx, channel.InboxOptions{})
	if err != nil {
		return err
	}
	defer inbox.Close()
	inbox.Join(ctx, channel.Group("room."+ws.Scope().PathValue("room"))) // which some are no names for
	for {
		message, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		switch text := message.Text(); text {
		case "leave":
			return &parley.CloseError{Code: 4000, Reason: "you asked for it"}
		case "flood":
			err = s.flood(ctx, ws)
		default:
			err = ws.Write(ctx, parley.Text(text))
		}
		if err != nil {
			return err
		}
	}
}

func (s *service) flood(ctx context.Context, ws *parley.Socket) error {
	offerer, _ := parley.OffererOf(ws.Conn())
	for range 3000 {
		offerer.Offer(parley.Text(strings.Repeat("news ", 2000))) // until there is no room, and on
	}
	return ctx.Err()
}

// dial opens a socket that the test's end closes.
func (s *service) dial(path string) *websocket.Conn {
	s.t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial("ws://"+s.host+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { ws.Close() })
	return ws
}

// say sends a text, and waits until it has come back.
func (s *service) say(ws *websocket.Conn, text string) {
	s.t.Helper()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		s.t.Fatal(err)
	}
	if _, got, err := ws.ReadMessage(); err != nil || string(got) != text {
		s.t.Fatalf("said back %q, %v", got, err)
	}
}

func (s *service) get(path string, header http.Header) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", fmt.Sprint("http://", s.host, path), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header = header
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { answer.Body.Close() })
	return answer
}
