package nethttp_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// echoHosts say everything back, each in its own way.
func echoHosts() map[string]http.Handler {
	silence := nethttp.Options{Logger: silent, WebSocket: unhurried}
	gin.SetMode(gin.TestMode)
	engine := gin.New()
	engine.GET("/", parleygin.Handler(echo, silence))
	return map[string]http.Handler{
		"function":     nethttp.Handler(echo, silence),
		"gin":          engine,
		"gin as app":   nethttp.Handler(wrapping(parleygin.App(engine)), silence),
		"consumer":     nethttp.Handler(echoConsumer(), silence),
		"over events":  nethttp.Handler(wrapping(nethttp.App(gorillaOpen())), silence),
		"net/http mux": nethttp.ExtendedConnect(mounted(nethttp.Handler(echo, silence))),
	}
}

func mounted(h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", h)
	return mux
}

type repeater struct{}

func (repeater) Receive(
	ctx context.Context, conn *consumer.Conn, message parley.WebSocketReceive,
) error {
	return conn.Send(ctx, parley.WebSocketSend{Type: message.Type, Data: message.Data})
}

func echoConsumer() parley.App {
	return consumer.New(func() repeater { return repeater{} }, consumer.Options{
		Layer: channel.New(channel.Options{}), Groups: []channel.Group{"all"}, Logger: silent,
	}, consumer.Forward("news"))
}

// frame is a client's frame of any size, masked with zeros.
func frame(first byte, payload string) string {
	size := len(payload)
	head := []byte{first, 0x80 | byte(size)}
	if size > 125 {
		head = []byte{first, 0x80 | 127, 0, 0, 0, 0, byte(size >> 24), byte(size >> 16),
			byte(size >> 8), byte(size)}
		if size < 1<<16 {
			head = []byte{first, 0x80 | 126, byte(size >> 8), byte(size)}
		}
	}
	return string(head) + "\x00\x00\x00\x00" + payload
}

// answered is the server's frame to a client's.
func answered(frame string) string {
	end := 2 + map[byte]int{0xfe: 2, 0xff: 8}[frame[1]]
	return frame[:1] + string(frame[1]&0x7f) + frame[2:end] + frame[end+4:]
}

const bothClosed = "\x88\x02\x03\xe8"

// reports are what has broken WebSocket servers, as their users have told.
var reports = []struct {
	name   string
	change func(handshake string) string
	early  string // sent with the handshake, without waiting for an answer
	sends  string
	gets   string
}{
	{name: "frames right behind the handshake, a ping between fragments",
		early: frame(0x01, "ea") + frame(0x89, "p") + frame(0x80, "rly") + goodbye,
		gets:  "\x8a\x01p\x81\x05early" + bothClosed},
	{name: "a proxy's Connection header", change: replaced("Connection: Upgrade",
		"connection: keep-alive, upgrade"), sends: text("a") + goodbye, gets: "\x81\x01a" + bothClosed},
	{name: "close beside upgrade",
		change: replaced("Connection: Upgrade", "Connection: close, Upgrade"),
		sends:  text("a") + goodbye, gets: "\x81\x01a" + bothClosed},
	{name: "another upgrade beside it",
		change: replaced("Upgrade: websocket", "Upgrade: h2c, websocket"),
		sends:  text("a") + goodbye, gets: "\x81\x01a" + bothClosed},
	{name: "the whole URL as target", change: replaced("GET /", "GET ws://example.test/"),
		sends: text("a") + goodbye, gets: "\x81\x01a" + bothClosed},
	{name: "an expectation without a body", change: with("Expect: 100-continue"),
		sends: text("a") + goodbye, gets: "\x81\x01a" + bothClosed},
	{name: "a length of zero", change: with("Content-Length: 0"), sends: goodbye, gets: bothClosed},
	{name: "empty elements among subprotocols", change: with("Sec-WebSocket-Protocol: a,, b,"),
		sends: goodbye, gets: bothClosed},
	{name: "a quoted parameter that does not end for long",
		change: with(`Sec-WebSocket-Extensions: x; a="` + strings.Repeat("a", 1<<18) + `"`),
		sends:  goodbye, gets: bothClosed},
	{name: "a goodbye right behind a large message",
		sends: frame(0x82, strings.Repeat("x", 1<<20)) + goodbye,
		gets:  answered(frame(0x82, strings.Repeat("x", 1<<20))) + bothClosed},
	{name: "a goodbye right behind many messages", sends: strings.Repeat(text("a"), 100) + goodbye,
		gets: strings.Repeat("\x81\x01a", 100) + bothClosed},
	{name: "messages of nothing", sends: strings.Repeat(text(""), 30) + goodbye,
		gets: strings.Repeat("\x81\x00", 30) + bothClosed},
	{name: "a ping in a message of empty fragments",
		sends: frame(0x01, "") + frame(0x89, "") + frame(0x80, "") + goodbye,
		gets:  "\x8a\x00\x81\x00" + bothClosed},
	{name: "a code nobody has given out", sends: frame(0x88, "\x0b\xb7"), gets: "\x88\x02\x03\xea"},
	{name: "a newer code", sends: frame(0x88, "\x03\xf6"), gets: "\x88\x02\x03\xf6"},
	{name: "half a rune at the end", sends: frame(0x01, "\xe2\x82") + frame(0x80, ""),
		gets: "\x88\x02\x03\xef"},
	{name: "a request behind the answer", sends: getting("/"), gets: "\x88\x02\x03\xea"},
	{name: "empty fragments without end",
		sends: frame(0x01, "") + strings.Repeat(frame(0x00, ""), 5000), gets: "\x88\x02\x03\xf1"},
}

func replaced(old, with string) func(string) string {
	return func(handshake string) string { return strings.Replace(handshake, old, with, 1) }
}

func with(line string) func(string) string {
	return replaced("\r\n\r\n", "\r\n"+line+"\r\n\r\n")
}

// TestReports acts them out.
func TestReports(t *testing.T) {
	handshake := "GET / HTTP/1.1\r\nHost: example.test\r\n" +
		strings.Join(upgrade[:4], "\r\n") + "\r\n\r\n"
	for host, handler := range echoHosts() {
		server := adaptertest.Serve(t, handler)
		for _, report := range reports {
			t.Run(host+"/"+report.name, func(t *testing.T) {
				request := handshake
				if report.change != nil {
					request = report.change(request)
				}
				got := server.Exchange(request+report.early, report.sends)
				head, frames, _ := strings.Cut(got, "\r\n\r\n")
				if !strings.HasPrefix(head, "HTTP/1.1 101 ") || frames != report.gets {
					t.Errorf("got %.300q and %.100q, want %.100q", head, frames, report.gets)
				}
			})
		}
	}
}
