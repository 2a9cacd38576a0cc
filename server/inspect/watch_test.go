package inspect_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/server/inspect"
)

// viewer reads the stream of the page.
type viewer struct {
	s     *service
	lines *bufio.Scanner
	token string
}

func (s *service) watch(query string) *viewer {
	s.t.Helper()
	answer := s.get("/inspect/events"+query, nil)
	v := &viewer{s: s, lines: bufio.NewScanner(answer.Body)}
	v.lines.Buffer(nil, 1<<20)
	var hello struct {
		Token  string
		Drains bool
	}
	if v.next(&hello); hello.Token == "" || !hello.Drains {
		s.t.Fatalf("hello %+v", hello)
	}
	v.token = hello.Token
	return v
}

// next decodes the next event.
func (v *viewer) next(into any) {
	v.s.t.Helper()
	for v.lines.Scan() {
		if data, ok := strings.CutPrefix(v.lines.Text(), "data: "); ok {
			if err := json.Unmarshal([]byte(data), into); err != nil {
				v.s.t.Fatal(err)
			}
			return
		}
	}
	v.s.t.Fatal("the stream has ended: ", v.lines.Err())
}

// shown is what the tests look at.
type shown struct {
	Live, Matching int
	Rows           []struct {
		ID, Protocol, Transport, Route, Path, User string
		Queued, Waiting, In                        int
	}
	Ends []struct {
		ID, Cause string
		Code      int
	}
	Closed struct{ Codes, Causes map[string]int }
	Layers []struct {
		Name   string
		Groups []struct {
			Name    string
			Members int
		}
	}
	Bridges []struct {
		Name              string
		Capacity, Running int
		Lanes             []shownLane
	}
	Sample struct{ Sockets, Streams, Sessions, In, Out, Waiting int }
}

type shownLane struct{ Name, State, Function, WaitsFor string }

// until reads views until one is as wanted.
func (v *viewer) until(what string, ok func(*shown) bool) (view *shown) {
	v.s.t.Helper()
	for range 60 {
		view = new(shown)
		if v.next(view); ok(view) {
			return view
		}
	}
	v.s.t.Fatalf("not seen: %s, but %+v", what, view)
	return nil
}

func (v *viewer) post(path, body string) int {
	v.s.t.Helper()
	r, err := http.NewRequest("POST", "http://"+v.s.host+"/inspect/"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		v.s.t.Fatal(err)
	}
	r.Header.Set("Parley-Inspect", v.token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		v.s.t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

// What goes on is found and shown without being listed anywhere: sockets, sessions and
// streams, with their users and routes; groups; lanes and what they wait for.
func TestWhatIsShown(t *testing.T) {
	s := start(t)
	ann := s.dial("/chat/go?user=ann&token=secret")
	s.say(ann, "hello")
	s.get("/feed/news?user=bob", nil)
	s.get("/chat/rust?user=eve", http.Header{"Accept": {"text/event-stream"}})
	go wait(bridge.With(t.Context(), s.pool))

	const want = `websocket HTTP/1.1 /chat/{room} /chat/go ann
http HTTP/1.1 /chat/{room} /chat/rust eve
websocket fallback /chat/{room} /chat/rust eve
http HTTP/1.1 /feed/{topic} /feed/news bob
http HTTP/1.1  /inspect/events `
	view := s.watch("?sort=route").until("everybody", func(view *shown) bool {
		waits := slices.ContainsFunc(view.Bridges[0].Lanes, func(l shownLane) bool {
			return strings.Contains(l.WaitsFor, "inspect_test.work, running on lane key ledger")
		})
		// A stream's route is known when it has sent something while it is listed.
		return waits && view.Sample.Sessions == 1 && sorted(view.rows()) == sorted(want)
	})
	if view.Sample.Sockets != 1 || view.Sample.In < 1 || view.Sample.Out < 1 || view.Matching != 5 {
		t.Errorf("sample %+v, %d match", view.Sample, view.Matching)
	}
	groups := view.Layers[0].Groups
	if len(groups) != 2 || groups[0].Name != "room.go" || groups[0].Members != 1 {
		t.Errorf("groups %+v", groups)
	}
	if lanes := view.Bridges[0].Lanes; len(lanes) != 2 || lanes[0].Function+lanes[1].Function == "" {
		t.Errorf("lanes %+v", lanes)
	}
}

func (view *shown) rows() string {
	var lines []string
	for _, row := range view.Rows {
		lines = append(lines, strings.Join([]string{
			row.Protocol, row.Transport, row.Route, row.Path, row.User}, " "))
	}
	return strings.Join(lines, "\n")
}

func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func work(ctx context.Context) error { <-ctx.Done(); return nil }

func wait(ctx context.Context) {
	bridge.Do(bridge.Keyed(ctx, "tenant"), func(ctx context.Context) error {
		return bridge.Do(bridge.Keyed(ctx, "ledger"), work)
	})
}

// A viewer sees what it searches for; what is kicked is told 1008, and is among the
// ends.
func TestSearchAndKick(t *testing.T) {
	s := start(t)
	ann, bob := s.dial("/chat/go?user=ann"), s.dial("/chat/go?user=bob")
	s.say(ann, "hello")
	s.say(bob, "hello")
	v := s.watch("?q=ANN&sort=age&reverse=1")
	view := v.until("ann alone", func(view *shown) bool { return view.Matching == 1 })
	if view.Live != 3 || len(view.Rows) != 1 || view.Rows[0].User != "ann" || view.Rows[0].In != 1 {
		t.Fatalf("%+v", view)
	}
	id := view.Rows[0].ID
	if status := v.post("kick", `{"id":"`+id+`"}`); status != http.StatusNoContent {
		t.Errorf("kick: %d", status)
	}
	_, _, err := ann.ReadMessage()
	if !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
		t.Errorf("ann is told %v", err)
	}
	ann.Close()
	view = v.until("the end", func(view *shown) bool { return len(view.Ends) == 1 && view.Matching == 0 })
	if end := view.Ends[0]; end.ID != id || end.Code != 1008 || end.Cause != "parley: ended by an operator" {
		t.Errorf("%+v", end)
	}
	if codes, causes := view.Closed.Codes, view.Closed.Causes; codes["1008"] != 1 || causes["kicked"] != 1 {
		t.Errorf("closed by code %v, by cause %v", codes, causes)
	}
	s.say(bob, "still here")
	if status := v.post("kick", `{"id":"`+id+`"}`); status != http.StatusNotFound {
		t.Errorf("kicked again: %d", status)
	}
}

// A drain asked for by the page ends the process as a signal does, and its own stream
// with it.
func TestDrain(t *testing.T) {
	s := start(t)
	ann := s.dial("/chat/go?user=ann")
	s.say(ann, "hello")
	v := s.watch("")
	if status := v.post("drain", `{"id":"0"}`); status != http.StatusAccepted {
		t.Fatalf("drain: %d", status)
	}
	_, _, err := ann.ReadMessage()
	if !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
		t.Errorf("ann is told %v", err)
	}
	ann.Close()
	ended := false
	for v.lines.Scan() {
		ended = ended || v.lines.Text() == "event: close"
	}
	if !ended {
		t.Error("the page was not told")
	}
	err = <-s.ended
	s.ended <- err
	if err != nil {
		t.Error(err)
	}
}

// Who has a server of their own lists what is shown, and mounts the page anywhere.
func TestMounts(t *testing.T) {
	app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		ws.Accept(ctx, parley.WebSocketAccept{})
		_, err := ws.Read(ctx)
		return err
	})
	gateway := nethttp.Handler(app)
	h := inspect.Handler(inspect.Options{Sources: []inspect.Source{gateway}, Drain: func() {}})
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Any("/gin/*any", gin.WrapH(h))
	mux := http.NewServeMux()
	mux.Handle("/plain/", h)
	mux.Handle("/deep/er/", http.StripPrefix("/deep/er", h))
	mux.Handle("/stripped", http.StripPrefix("/stripped", h))
	mux.Handle("/stripped/", http.StripPrefix("/stripped", h))
	mux.Handle("/gin/", engine)
	mux.Handle("/ws", gateway)
	httpServer := httptest.NewServer(mux)
	t.Cleanup(httpServer.Close) // when the streams are closed
	s := &service{t: t, host: strings.TrimPrefix(httpServer.URL, "http://")}
	s.dial("/ws")
	for _, prefix := range []string{"/plain", "/deep/er", "/stripped", "/gin"} {
		for _, path := range []string{prefix + "/", prefix} {
			page := s.get(path, nil)
			text, _ := io.ReadAll(page.Body)
			if !strings.Contains(string(text), "<title>Inspector") || page.Request.URL.Path != prefix+"/" {
				t.Errorf("%s: %d at %s", path, page.StatusCode, page.Request.URL)
			}
		}
		if script := s.get(prefix+"/inspect.js", nil); script.StatusCode != 200 {
			t.Errorf("%s: script %d", prefix, script.StatusCode)
		}
		if none := s.get(prefix+"/nothing", nil); none.StatusCode != 404 {
			t.Errorf("%s: nothing %d", prefix, none.StatusCode)
		}
		v := &viewer{s: s, lines: bufio.NewScanner(s.get(prefix+"/events", nil).Body)}
		v.next(new(shown))
		v.until("the socket", func(view *shown) bool { return view.Live == 1 && view.Rows[0].Path == "/ws" })
	}
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	for want, options := range map[string]inspect.Options{
		"nil Source": {Sources: []inspect.Source{nil}},
		"nil Layer":  {Layers: map[string]*channel.Layer{"x": nil}},
		"nil Bridge": {Bridges: map[string]*bridge.Bridge{"x": nil}},
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.Contains(text, want) {
					t.Errorf("panics with %q, want %q", text, want)
				}
			}()
			inspect.Handler(options)
		}()
	}
}
