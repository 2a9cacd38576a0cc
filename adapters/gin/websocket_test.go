package parleygin_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// seen is what a WebSocket client sees of an engine.
type seen struct {
	status      int
	body        string // of a denial
	header      http.Header
	subprotocol string
	messages    []string
	closed      string
}

// visit opens a socket, says "hi" and waits for the end.
func visit(t *testing.T, h http.Handler, path string, header http.Header) seen {
	t.Helper()
	server := adaptertest.Serve(t, h)
	dialer := websocket.Dialer{Subprotocols: []string{"v1", "v2"}}
	conn, response, err := dialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+path, header)
	if response == nil {
		t.Fatal(err)
	}
	got := seen{status: response.StatusCode, header: response.Header}
	if err != nil {
		body, _ := io.ReadAll(response.Body)
		got.body = string(body)
		return got
	}
	defer conn.Close()
	got.subprotocol = conn.Subprotocol()
	conn.SetReadDeadline(time.Now().Add(adaptertest.Patience))
	if err := conn.WriteMessage(websocket.TextMessage, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	for {
		_, message, err := conn.ReadMessage()
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			got.closed = fmt.Sprint(closed.Code, " ", closed.Text)
		}
		if err != nil {
			return got
		}
		got.messages = append(got.messages, string(message))
	}
}

// room is a socket app that does as its path says.
var room = parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
	switch ws.Scope().PathValue("room") {
	case "denied":
		return ws.Deny(ctx, parley.WebSocketDeny{Status: 418, Header: http.Header{"X-App": {"1"}},
			Body: []byte("teapot")})
	case "closed":
		return ws.Close(ctx, 4000, "never said")
	case "silent":
		return nil
	}
	accept := parley.WebSocketAccept{Subprotocol: "v2",
		Header: http.Header{"X-App": {"1"}, "Set-Cookie": {"b=2"}}}
	if err := ws.Accept(ctx, accept); err != nil {
		return err
	}
	message, err := ws.Read(ctx)
	if err != nil {
		return err
	}
	if err := ws.Write(ctx, parley.Text(message.Text()+" "+facts(ctx, ws.Scope()))); err != nil {
		return err
	}
	switch ws.Scope().PathValue("room") {
	case "code":
		return ws.Close(ctx, 4001, "your turn")
	case "error":
		return errors.New("secret")
	case "panic":
		panic("secret")
	}
	return nil
})

const told = "hi room=%s rest= route=/rooms/:room user=ada keys=2 ip=127.0.0.1"

// TestWebSocketsBehindGin: handshakes pass gin's middleware, and what it has set
// goes out with the answer, whether the handler holds or not.
func TestWebSocketsBehindGin(t *testing.T) {
	both := http.Header{"X-Gin": {"1"}, "X-App": {"1"}}
	cases := []struct {
		room string
		want seen
	}{
		{"normal", seen{status: 101, header: both, subprotocol: "v2",
			messages: []string{fmt.Sprintf(told, "normal")}, closed: "1000 "}},
		{"code", seen{status: 101, header: both, subprotocol: "v2",
			messages: []string{fmt.Sprintf(told, "code")}, closed: "4001 your turn"}},
		{"error", seen{status: 101, header: both, subprotocol: "v2",
			messages: []string{fmt.Sprintf(told, "error")}, closed: "1011 "}},
		{"panic", seen{status: 101, header: both, subprotocol: "v2",
			messages: []string{fmt.Sprintf(told, "panic")}, closed: "1011 "}},
		{"denied", seen{status: 418, header: both, body: "teapot"}},
		{"closed", seen{status: 403, header: http.Header{"X-Gin": {"1"}}}},
		{"silent", seen{status: 500, header: http.Header{"X-Gin": {"1"}},
			body: "Internal Server Error\n"}},
	}
	for _, mode := range []nethttp.Mode{nethttp.Hold, nethttp.Detach} {
		for _, c := range cases {
			t.Run(c.room, func(t *testing.T) {
				r := gin.New()
				r.Use(gin.RecoveryWithWriter(io.Discard), auth, func(c *gin.Context) {
					c.Header("X-Gin", "1")
					c.SetCookie("a", "1", 0, "", "", false, false)
					c.Set("more", true)
				})
				r.GET("/rooms/:room", parleygin.Handler(room, nethttp.Options{Logger: silent, Mode: mode}))
				got := visit(t, r, "/rooms/"+c.room, http.Header{"Authorization": {"Bearer ada"}})
				for name, want := range c.want.header {
					if !slices.Equal(got.header[name], want) {
						t.Errorf("%s is %q, want %q", name, got.header[name], want)
					}
				}
				if !strings.HasPrefix(got.header.Get("Set-Cookie"), "a=1") {
					t.Errorf("gin's cookie is lost: %q", got.header["Set-Cookie"])
				}
				got.header, c.want.header = nil, nil
				if fmt.Sprint(got) != fmt.Sprint(c.want) {
					t.Errorf("got\n%+v\nwant\n%+v", got, c.want)
				}
			})
		}
	}
}

// TestAuthKeepsTheHandshakeFromTheApp: an abort of gin's is the denial.
func TestAuthKeepsTheHandshakeFromTheApp(t *testing.T) {
	r := gin.New()
	r.GET("/rooms/:room", auth, parleygin.Handler(parley.AppFunc(func(context.Context, *parley.Scope,
		parley.Conn) error {
		t.Error("the app was called")
		return nil
	})))
	got := visit(t, r, "/rooms/7", nil)
	if got.status != 401 || got.body != `{"error":"who are you?"}` ||
		got.header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("got %+v", got)
	}
}

// TestHoldAndDetach: gin middleware stands around the whole session, or ends with
// the upgrade. Either way the app keeps what it knows of gin.
func TestHoldAndDetach(t *testing.T) {
	for _, detach := range []bool{false, true} {
		t.Run(fmt.Sprintf("detach=%t", detach), func(t *testing.T) {
			options := nethttp.Options{Logger: silent}
			if detach {
				options.Mode = nethttp.Detach
			}
			returned, ended := make(chan struct{}), make(chan struct{})
			app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
				defer close(ended)
				if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
					return err
				}
				if _, err := ws.Read(ctx); err != nil {
					return err
				}
				if detach {
					adaptertest.Await(t, returned, "gin's handler") // gin may reuse its context now
				}
				select {
				case <-returned:
					if !detach {
						t.Error("gin's handler has returned before the app")
					}
				default:
				}
				return ws.Write(ctx, parley.Text(facts(ctx, ws.Scope())))
			})
			r := gin.New()
			r.GET("/:room", func(c *gin.Context) {
				defer close(returned)
				c.Set("user", "ada")
				c.Next()
			}, parleygin.Handler(app, options))
			got := visit(t, r, "/7", nil)
			want := "room=7 rest= route=/:room user=ada keys=1 ip=127.0.0.1"
			if len(got.messages) != 1 || got.messages[0] != want {
				t.Errorf("received %q, want %q", got.messages, want)
			}
			adaptertest.Await(t, ended, "the app")
			adaptertest.Await(t, returned, "gin's handler")
		})
	}
}

// TestUpgradeByAGinHandler: an engine that upgrades by itself still does, as an app
// below a router.
func TestUpgradeByAGinHandler(t *testing.T) {
	var upgrader websocket.Upgrader
	r := gin.New()
	r.GET("/", func(c *gin.Context) {
		conn, err := upgrader.Upgrade(c.Writer, c.Request, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		kind, message, err := conn.ReadMessage()
		if err == nil {
			conn.WriteMessage(kind, message)
			conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(4002, "bye"))
		}
	})
	got := visit(t, nethttp.Handler(deciding(parleygin.App(r))), "/", nil)
	if got.status != 101 || len(got.messages) != 1 || got.closed != "4002 bye" {
		t.Errorf("got %+v", got)
	}
}

// TestGatewayDrains: the gateway that the caller keeps ends the sockets at a route.
func TestGatewayDrains(t *testing.T) {
	listening := make(chan struct{})
	gateway := nethttp.Handler(parley.WebSocketFunc(func(ctx context.Context,
		ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		ws.Read(ctx)
		close(listening)
		_, err := ws.Read(ctx)
		return err
	}), nethttp.Options{Logger: silent, Mode: nethttp.Hold})
	r := gin.New()
	r.GET("/", parleygin.Gateway(gateway))
	drained := make(chan error, 1)
	go func() {
		<-listening
		drained <- gateway.Drain(context.Background())
	}()
	if got := visit(t, r, "/", nil); got.closed != "1012 " {
		t.Errorf("got %+v", got)
	}
	if err := adaptertest.Await(t, drained, "Drain"); err != nil {
		t.Error(err)
	}
}

// TestBrokenWriters: what stands above may hide the connection, or break when it is
// asked for. It costs one handshake, which is answered.
func TestBrokenWriters(t *testing.T) {
	for name, above := range map[string]func(http.Handler) http.Handler{
		"hides": func(next http.Handler) http.Handler {
			return http.TimeoutHandler(next, adaptertest.Patience, "")
		},
		"panics": func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(panicking{w}, r)
			})
		},
	} {
		for _, mode := range []nethttp.Mode{nethttp.Hold, nethttp.Detach} {
			r := gin.New()
			r.GET("/", parleygin.Handler(accepting, nethttp.Options{Logger: silent, Mode: mode}))
			server := adaptertest.Serve(t, above(r))
			server.Expect("panic serving")
			for range 2 {
				client := server.Dial()
				client.Say("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
					"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
				if answer := client.Response("GET"); answer.Status != 500 {
					t.Errorf("%s, mode %d: answered %+v", name, mode, answer)
				}
			}
		}
	}
}

type panicking struct{ http.ResponseWriter }

func (panicking) Hijack() (net.Conn, *bufio.ReadWriter, error) { panic("no connection here") }

var accepting = parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
	return ws.Accept(ctx, parley.WebSocketAccept{})
})
