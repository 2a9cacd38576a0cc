package fallback_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/fallback"
)

// One definition, three clients, over real connections: what one says, all hear.
func TestAllTransports(t *testing.T) {
	layer := channel.New(channel.Options{})
	t.Cleanup(func() { _ = layer.Close(context.Background()) })
	type line struct{ Text string }
	said := func(_ *struct{}, ctx context.Context, _ *consumer.Conn, line line) error {
		_, err := layer.GroupSend(ctx, "lobby", channel.NewMessage("line", []byte(line.Text)))
		return err
	}
	app := fallback.New(consumer.New(func() *struct{} { return new(struct{}) },
		consumer.Options{Layer: layer, Groups: []channel.Group{"lobby"}, Logger: silent},
		consumer.Receive(said), consumer.Forward("line")), fallback.Options{Logger: silent})
	url, browser := serveTCP(t, app)
	stream := get(t, browser, url, "text/event-stream")
	events := bufio.NewScanner(stream)
	first := nextData(t, events)
	var opened struct{ Session string }
	decode(t, first, &opened)

	var begun polled
	readJSON(t, get(t, browser, url, "application/json"), &begun)
	poll := url + "?session=" + begun.Session + "&cursor="

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
			response, failed := browser.Post(url+"?session="+session, "text/plain", strings.NewReader(body))
			if err = failed; err == nil {
				response.Body.Close()
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, from := range []string{"", opened.Session, begun.Session} {
		text := "line " + string(rune('a'+i))
		say(from, text)
		if _, data, err := socket.ReadMessage(); err != nil || string(data) != text {
			t.Errorf("socket: %q, %v", data, err)
		}
		if got := nextData(t, events); got != text {
			t.Errorf("stream: %q, want %q", got, text)
		}
		var got polled
		readJSON(t, get(t, browser, poll+string(rune('0'+i)), ""), &got)
		if len(got.Messages) != 1 || *got.Messages[0].Text != text {
			t.Errorf("poll: %+v, want %q", got, text)
		}
	}
}

func get(t *testing.T, browser *http.Client, url, accept string) io.Reader {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := browser.Do(request)
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

// serveTCP serves app on a real port, and returns its URL and a browser to go there.
func serveTCP(t *testing.T, app *fallback.App) (url string, browser *http.Client) {
	t.Helper()
	gateway := nethttp.Handler(app)
	server := httptest.NewServer(gateway)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser = &http.Client{Jar: jar, Transport: new(http.Transport)}
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_ = gateway.Drain(ended)
		_ = gateway.Drain(context.Background())
		_ = app.Close(context.Background())
		browser.CloseIdleConnections()
		server.Close()
	})
	return server.URL + "/room", browser
}

// Over a real connection, too, a drain says goodbye, in either order.
func TestLiveDrain(t *testing.T) {
	for name, streams := range transports {
		for order, drain := range map[string]func(app *fallback.App, gateway *nethttp.Gateway) error{
			"app first": func(app *fallback.App, gateway *nethttp.Gateway) error {
				return errors.Join(app.Close(t.Context()), gateway.Drain(t.Context()))
			},
			"gateway first": func(app *fallback.App, gateway *nethttp.Gateway) error {
				return errors.Join(gateway.Drain(t.Context()), app.Close(t.Context()))
			},
		} {
			t.Run(name+" "+order, func(t *testing.T) {
				h := new(host)
				app := serve(t, h.echo(), fallback.Options{})
				gateway := nethttp.Handler(app)
				server := httptest.NewServer(gateway)
				defer server.Close()
				browser := &http.Client{Transport: new(http.Transport)}
				defer browser.CloseIdleConnections()
				got := drained(t, browser, server.URL, streams, func() error {
					return drain(app, gateway)
				})
				if !strings.Contains(got, `{"code":1012,"retry":`) {
					t.Errorf("the client has read %q", got)
				}
			})
		}
	}
}

// drained returns what a client reads whose server drains.
func drained(
	t *testing.T, browser *http.Client, url string, streams bool, drain func() error,
) string {
	t.Helper()
	send := func(header http.Header, query string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), "GET", url+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = header
		response, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		return response
	}
	header := http.Header{"Parley-Secret": {"new"}}
	if streams {
		header.Set("Accept", "text/event-stream")
	}
	response := send(header, "")
	answers := make(chan *http.Response, 1)
	if !streams {
		var begun polled
		readJSON(t, response.Body, &begun)
		header.Set("Parley-Secret", response.Header.Get("Parley-Secret"))
		go func() { answers <- send(header, "?cursor=0&session="+begun.Session) }()
	} else {
		answers <- response
	}
	ended := make(chan error, 1)
	go func() { ended <- drain() }()
	body, err := io.ReadAll((<-answers).Body)
	if err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return string(body)
}

// A client that keeps its connection and does not read is ended, whatever the kernel
// has taken from us.
func TestLiveStalled(t *testing.T) {
	opened, ended := make(chan struct{}), make(chan error, 1)
	app := serve(t, parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		<-opened // that the client does not miss its answer
		for {
			if err := ws.Write(ctx, parley.Binary(make([]byte, 64<<10))); err != nil {
				ended <- context.Cause(ctx)
				return err
			}
		}
	}), fallback.Options{WriteTimeout: 200 * time.Millisecond})
	url, browser := serveTCP(t, app)
	get(t, browser, url, "text/event-stream") // and nothing is read
	close(opened)
	if got := <-ended; !errors.Is(got, parley.ErrSlowConsumer) {
		t.Errorf("ended with %v", got)
	}
	if got := app.Stats(); got.Slow != 1 {
		t.Errorf("%+v", got)
	}
}

// A denial whose app says no more than its head is cut, and its head is the client's.
func TestDenialWithoutBody(t *testing.T) {
	app := fallback.New(parley.AppFunc(
		func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
			return conn.Send(ctx, parley.WebSocketResponseStart{Status: 401})
		}), fallback.Options{Logger: silent})
	url, browser := serveTCP(t, app)
	for _, accept := range []string{"text/event-stream", "application/json"} {
		t.Run("A7.deny/no-body "+accept, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Accept", accept)
			response, err := browser.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			_, err = io.ReadAll(response.Body)
			if response.StatusCode != 401 || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Error(response.Status, err)
			}
		})
	}
}
