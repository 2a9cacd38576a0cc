package fallback_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/fallback"
)

// One definition, three clients, over real connections: what one says, all hear.
func TestAllTransports(t *testing.T) {
	layer := newLayer(t)
	r := &room{said: func(ctx context.Context, conn *consumer.Conn, said said) error {
		_, err := conn.Layer().GroupSend(ctx, "lobby", channel.NewMessage("line", []byte(said.Text)))
		return err
	}}
	app := fallback.New(consumer.New(r.factory, consumer.Options{Layer: layer, Groups: []channel.Group{"lobby"}, Logger: silent},
		consumer.Receive((*room).Said), consumer.Forward("line")), fallback.Options{Logger: silent})
	url := "http://" + serveTCP(t, app) + "/room"
	t.Cleanup(func() { // before the server's: its streams end
		if err := app.Close(context.Background()); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})

	stream := get(t, url, "text/event-stream")
	events := bufio.NewScanner(stream)
	first := nextData(t, events)
	var opened struct{ Session string }
	decode(t, first, &opened)

	var polled answer
	readJSON(t, get(t, url, "application/json"), &polled)
	poll := url + "?session=" + polled.Session + "&cursor="

	socket, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(url, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()

	say := func(session, text string) {
		body := `{"text":"` + text + `"}`
		if session == "" {
			err = socket.WriteMessage(websocket.TextMessage, []byte(body))
		} else {
			response, failed := http.Post(url+"?session="+session, "text/plain", strings.NewReader(body))
			if err = failed; err == nil {
				response.Body.Close()
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, from := range []string{"", opened.Session, polled.Session} {
		text := "line " + string(rune('a'+i))
		say(from, text)
		if _, data, err := socket.ReadMessage(); err != nil || string(data) != text {
			t.Errorf("socket: %q, %v", data, err)
		}
		if got := nextData(t, events); got != text {
			t.Errorf("stream: %q, want %q", got, text)
		}
		var news answer
		readJSON(t, get(t, poll+string(rune('0'+i)), ""), &news)
		if len(news.Messages) != 1 || *news.Messages[0].Text != text {
			t.Errorf("poll: %+v, want %q", news, text)
		}
	}
}

func get(t *testing.T, url, accept string) io.Reader {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil || response.StatusCode != 200 {
		t.Fatal(err, response)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response.Body
}

func nextData(t *testing.T, events *bufio.Scanner) string {
	t.Helper()
	for events.Scan() {
		if data, ok := strings.CutPrefix(events.Text(), "data: "); ok {
			return data
		}
	}
	t.Fatal(events.Err())
	return ""
}

func readJSON(t *testing.T, body io.Reader, value any) {
	t.Helper()
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	decode(t, string(data), value)
}

func decode(t *testing.T, text string, value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), value); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
}

// serveTCP serves app on a real port and returns its address.
func serveTCP(t testing.TB, app parley.App) string {
	t.Helper()
	gateway := nethttp.Handler(app, nethttp.Options{InsecureSkipOriginCheck: true, Logger: silent})
	server := httptest.NewServer(gateway)
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_ = gateway.Drain(ended)
		_ = gateway.Drain(context.Background())
		server.Close()
	})
	return strings.TrimPrefix(server.URL, "http://")
}
