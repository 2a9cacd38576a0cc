package thirdparty

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

const (
	denied = "418 teapot"
	whole  = "101 v2 text binary 4001 as you wish"
)

func socketURL(server *httptest.Server, path string) string {
	return "ws" + strings.TrimPrefix(server.URL, "http") + path
}

// talkGorilla has gorilla's client talk to an echo and tells what it saw.
func talkGorilla(t *testing.T, h http.Handler, path string) string {
	t.Helper()
	conn, response := dialGorilla(t, h, path, websocket.Dialer{Subprotocols: []string{"v1", "v2"}},
		nil)
	saw := fmt.Sprint(response.StatusCode)
	if conn == nil {
		body, _ := io.ReadAll(response.Body)
		return saw + " " + string(body)
	}
	defer conn.Close()
	saw += " " + conn.Subprotocol()
	conn.SetReadDeadline(time.Now().Add(patience))
	for _, message := range []struct {
		kind int
		data string
	}{{websocket.TextMessage, "text"}, {websocket.BinaryMessage, "binary"}, {websocket.TextMessage,
		"close me"}} {
		if err := conn.WriteMessage(message.kind, []byte(message.data)); err != nil {
			return saw + " " + err.Error()
		}
		kind, data, err := conn.ReadMessage()
		var closed *websocket.CloseError
		switch {
		case errors.As(err, &closed):
			saw += fmt.Sprintf(" %d %s", closed.Code, closed.Text)
		case err != nil:
			return saw + " " + err.Error()
		case kind != message.kind:
			return saw + " of another kind"
		default:
			saw += " " + string(data)
		}
	}
	return saw
}

func dialGorilla(t *testing.T, h http.Handler, path string, dialer websocket.Dialer,
	header http.Header) (*websocket.Conn, *http.Response) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	conn, response, err := dialer.Dial(socketURL(server, path), header)
	if response == nil {
		t.Fatal(err)
	}
	return conn, response
}

// talkCoder does the same with coder's client.
func talkCoder(t *testing.T, h http.Handler, path string, compress coder.CompressionMode) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := server.Client()
	conn, response, err := coder.Dial(ctx, socketURL(server, path), &coder.DialOptions{
		HTTPClient: client, Subprotocols: []string{"v1", "v2"}, CompressionMode: compress,
	})
	if err != nil {
		if response == nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		return fmt.Sprint(response.StatusCode, " ", string(body))
	}
	defer conn.CloseNow()
	saw := fmt.Sprint(response.StatusCode, " ", conn.Subprotocol())
	for _, message := range []struct {
		kind coder.MessageType
		data string
	}{{coder.MessageText, "text"}, {coder.MessageBinary, "binary"}, {coder.MessageText, "close me"}} {
		if err := conn.Write(ctx, message.kind, []byte(message.data)); err != nil {
			return saw + " " + err.Error()
		}
		kind, data, err := conn.Read(ctx)
		var closed coder.CloseError
		switch {
		case errors.As(err, &closed):
			saw += fmt.Sprintf(" %d %s", closed.Code, closed.Reason)
		case err != nil:
			return saw + " " + err.Error()
		case kind != message.kind:
			return saw + " of another kind"
		default:
			saw += " " + string(data)
		}
	}
	return saw
}

// TestClients: gorilla's and coder's clients talk to an echo of the kit, with every
// way of compressing that they know.
func TestClients(t *testing.T) {
	gateways := map[string]http.Handler{
		"plain": gateway(echo),
		"hold":  gateway(echo, nethttp.Options{Mode: nethttp.Hold}),
		"deflate": gateway(echo, nethttp.Options{WebSocket: parley.SocketOptions{Deflate: true,
			DeflateThreshold: 1}}),
		"wrapping": gateway(wrapping(echo)),
	}
	for name, h := range gateways {
		if got := talkGorilla(t, h, "/"); got != whole {
			t.Errorf("gorilla, %s: %s", name, got)
		}
		if got := talkGorilla(t, h, "/denied"); got != denied {
			t.Errorf("gorilla, %s, denied: %s", name, got)
		}
		for _, compress := range []coder.CompressionMode{coder.CompressionDisabled,
			coder.CompressionNoContextTakeover, coder.CompressionContextTakeover} {
			if got := talkCoder(t, h, "/", compress); got != whole {
				t.Errorf("coder, %s, compression %d: %s", name, compress, got)
			}
		}
		if got := talkCoder(t, h, "/denied", coder.CompressionDisabled); got != denied {
			t.Errorf("coder, %s, denied: %s", name, got)
		}
	}
}

// coderEcho is an echo on coder's server.
var coderEcho = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	conn, err := coder.Accept(w, r, &coder.AcceptOptions{Subprotocols: []string{"v2"}})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	for {
		kind, data, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		if string(data) == "close me" {
			conn.Close(4001, "as you wish")
			return
		}
		if err := conn.Write(r.Context(), kind, data); err != nil {
			return
		}
	}
})

// TestCoderServerAsAnApp: a handler that upgrades on coder's library works as it
// does without the kit, also below routers and middleware.
func TestCoderServerAsAnApp(t *testing.T) {
	for name, h := range map[string]http.Handler{
		"alone":            coderEcho,
		"App":              gateway(nethttp.App(coderEcho)),
		"below router":     gateway(deciding(nethttp.App(coderEcho))),
		"below middleware": gateway(deciding(nethttp.Middleware(corsOptions().Handler)(nethttp.App(coderEcho)))),
		"over events":      gateway(wrapping(nethttp.App(coderEcho))),
	} {
		if got := talkCoder(t, h, "/", coder.CompressionContextTakeover); got != whole {
			t.Errorf("%s: %s", name, got)
		}
		if got := talkGorilla(t, h, "/"); got != whole {
			t.Errorf("%s, gorilla: %s", name, got)
		}
	}
}
