package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"
	"github.com/parleygo/parley/internal/leak"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	gin.DefaultWriter = io.Discard
	leak.Main(m)
}

func TestPage(t *testing.T) {
	home := start(t, "127.0.0.1:0")
	for _, test := range []struct {
		path, contentType string
		status            int
	}{
		{"", "text/html; charset=utf-8", 200},
		{"rooms/lobby", "text/plain; charset=utf-8", 404}, // is for sockets only
		{"nothing", "text/plain", 404},
	} {
		t.Run("/"+test.path, func(t *testing.T) {
			response, err := http.Get(home + test.path)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if response.StatusCode != test.status || response.Header.Get("Content-Type") != test.contentType || err != nil {
				t.Errorf("got %d %v %v", response.StatusCode, response.Header, err)
			}
			if test.path == "" && string(body) != string(page) {
				t.Error("got another page")
			}
		})
	}
}

func TestRooms(t *testing.T) {
	home := start(t, "127.0.0.1:0")
	ann, bob := join(t, home, "lobby", "ann"), join(t, home, "lobby", "bob")
	eve := join(t, home, "cellar", "eve")

	say(t, eve, said{"1", "is anybody here?"})
	say(t, ann, said{"2", "  hello  "})
	for _, ws := range []*websocket.Conn{ann, bob} {
		if got := hear(t, ws); got.ID != "2" || got.From != "ann" || got.Text != "hello" || got.Type != "line" || got.At.IsZero() {
			t.Errorf("got %+v", got)
		}
	}
	say(t, bob, said{"3", " "}) // is nothing
	say(t, bob, said{"4", "<b>hi</b>\nann"})
	if got := hear(t, ann); got.ID != "4" || got.From != "bob" || got.Text != "<b>hi</b>\nann" {
		t.Errorf("got %+v", got)
	}
	if got := hear(t, eve); got.ID != "1" || got.Text != "is anybody here?" {
		t.Errorf("got %+v", got)
	}
}

func TestOrder(t *testing.T) {
	home := start(t, "127.0.0.1:0")
	ann, bob := join(t, home, "lobby", "ann"), join(t, home, "lobby", "bob")
	for i := range 100 {
		say(t, ann, said{ID: string(rune('0' + i)), Text: "x"})
	}
	for i := range 100 {
		if got := hear(t, bob); got.ID != string(rune('0'+i)) {
			t.Fatalf("line %d is %+v", i, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	home := start(t, "127.0.0.1:0")
	t.Run("room", func(t *testing.T) {
		_, response, err := websocket.DefaultDialer.Dial(socketURL(home, "a room", "ann"), nil)
		if response == nil {
			t.Fatal(err)
		}
		if response.StatusCode != 404 {
			t.Errorf("got %d", response.StatusCode)
		}
	})
	for _, test := range []struct {
		name, message string
		code          int
	}{
		{"no JSON", "hello", websocket.CloseInvalidFramePayloadData},
		{"too long", `{"text":"` + strings.Repeat("x", 16<<10) + `"}`, websocket.CloseMessageTooBig},
	} {
		t.Run(test.name, func(t *testing.T) {
			ws := join(t, home, "lobby", "ann")
			if err := ws.WriteMessage(websocket.TextMessage, []byte(test.message)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, test.code) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestNickname(t *testing.T) {
	for wish, want := range map[string]string{
		"ann":                       "ann",
		"  ann\t o'\x00nym\n":       "ann o'nym",
		"世界":                        "世界",
		"":                          "somebody",
		"\u202e\u200b":              "somebody",
		strings.Repeat("é", 30):     strings.Repeat("é", 24),
		"ends in a space 2345678 x": "ends in a space 2345678",
	} {
		if got := nickname(wish); got != want {
			t.Errorf("%q is called %q, want %q", wish, got, want)
		}
	}
}

// start runs the program and returns the URL it prints. The program is stopped
// and must end cleanly with the test.
func start(t *testing.T, addr string) string {
	t.Helper()
	home, stop := launch(t, addr)
	t.Cleanup(stop)
	return home
}

// launch is start for a program that stops when it is told to.
func launch(t *testing.T, addr string) (home string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	out, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"-addr", addr}, stdout)
		stdout.CloseWithError(err)
		ended <- err
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	return strings.TrimPrefix(strings.TrimSpace(line), "chat: "), func() {
		t.Helper()
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	}
}

func socketURL(home, room, nick string) string {
	return "ws" + strings.TrimPrefix(home, "http") + "rooms/" + url.PathEscape(room) + "?nick=" + url.QueryEscape(nick)
}

func join(t *testing.T, home, room, nick string) *websocket.Conn {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial(socketURL(home, room, nick), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	return ws
}

func say(t *testing.T, ws *websocket.Conn, what said) {
	t.Helper()
	if err := ws.WriteJSON(what); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, ws *websocket.Conn) (heard line) {
	t.Helper()
	_, data, err := ws.ReadMessage()
	if err == nil {
		err = json.Unmarshal(data, &heard)
	}
	if err != nil {
		t.Fatal(err)
	}
	return heard
}

// need skips a test that needs something which is not installed, but not where
// everything has to be.
func need(t *testing.T, what string, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("PARLEY_REQUIRE_SERVICES") == "1":
		t.Fatalf("%s is required here: %v", what, err)
	default:
		t.Skipf("no %s to test with: %v", what, err)
	}
}
