package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// anything is a message of the server, of any kind.
type anything struct {
	Type   string
	Number uint64
	Key    string
	From   string
	Text   string
	Nicks  []string
	Typing list

	Member, Show string
	Members      []struct{ Member, Show string }
}

// spoken is a message of a page, of any kind.
type spoken struct {
	Type string `json:"type"`
	Key  string `json:"key,omitempty"`
	Text string `json:"text,omitempty"`
	On   bool   `json:"on,omitempty"`
}

// visitor is a page without a browser.
type visitor struct {
	t    *testing.T
	ws   *websocket.Conn
	here map[string]string // by the ids of their stays
}

// cookieOf logs somebody in and returns the cookie.
func cookieOf(t *testing.T, home, name string) string {
	t.Helper()
	response, err := http.PostForm(home+"login", url.Values{"name": {name}})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 {
		t.Fatalf("login of %q: %s", name, response.Status)
	}
	cookie, _, _ := strings.Cut(response.Header.Get("Set-Cookie"), ";")
	return cookie
}

func dial(home, room, cookie string) (*websocket.Conn, *http.Response, error) {
	return dialFrom(home, room, cookie, "")
}

// dialFrom is dial of a page that has heard the room already, as it says in the query.
func dialFrom(home, room, cookie, heard string) (*websocket.Conn, *http.Response, error) {
	at := "ws" + strings.TrimPrefix(home, "http") + "rooms/" + url.PathEscape(room) + heard
	return websocket.DefaultDialer.Dial(at, http.Header{"Cookie": {cookie}, "Origin": {strings.TrimSuffix(home, "/")}})
}

// join logs somebody in, and into a room.
func join(t *testing.T, home, room, nick string) (*visitor, anything) {
	t.Helper()
	return joinAs(t, home, room, cookieOf(t, home, nick))
}

func joinAs(t *testing.T, home, room, cookie string) (*visitor, anything) {
	t.Helper()
	return joinFrom(t, home, room, cookie, "")
}

// all asks for all that is kept of a room.
func all(room string) string { return "?parley-resume=" + url.QueryEscape(`{"room.`+room+`":""}`) }

func joinFrom(t *testing.T, home, room, cookie, heard string) (*visitor, anything) {
	t.Helper()
	ws, _, err := dialFrom(home, room, cookie, heard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	c := &visitor{t, ws, make(map[string]string)}
	first := c.read()
	if first.Type != "welcome" {
		t.Fatalf("first comes %+v", first)
	}
	return c, first
}

func (c *visitor) send(what spoken) {
	c.t.Helper()
	if err := c.ws.WriteJSON(what); err != nil {
		c.t.Fatal(err)
	}
}

func (c *visitor) say(key, text string) {
	c.t.Helper()
	c.send(spoken{Type: "line", Key: key, Text: text})
}

func (c *visitor) read() (got anything) {
	c.t.Helper()
	_, data, err := c.ws.ReadMessage()
	var kept struct{ Data json.RawMessage }
	if err == nil {
		err = json.Unmarshal(data, &kept)
	}
	if err == nil && kept.Data != nil {
		data = kept.Data
	}
	if err == nil {
		err = json.Unmarshal(data, &got)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.learn(got)
	return got
}

// learn follows who is here.
func (c *visitor) learn(got anything) {
	switch got.Type {
	case "presence.state":
		clear(c.here)
		for _, one := range got.Members {
			c.here[one.Member] = one.Show
		}
	case "presence.join":
		c.here[got.Member] = got.Show
	case "presence.leave":
		delete(c.here, got.Member)
	}
}

// finds reads until these are here, each perhaps by several pages.
func (c *visitor) finds(nicks ...string) {
	c.t.Helper()
	for !slices.Equal(slices.Compact(slices.Sorted(maps.Values(c.here))), nicks) {
		c.read()
	}
}

// until reads until there is a message of a kind, and returns that.
func (c *visitor) until(kind string) anything {
	c.t.Helper()
	for {
		if got := c.read(); got.Type == kind {
			return got
		}
	}
}

// hears wants the next line.
func (c *visitor) hears(key, from, text string) {
	c.t.Helper()
	if got := c.until("line"); got.Key != key || got.From != from || got.Text != text || got.Number == 0 {
		c.t.Errorf("got %+v, want %s of %s: %s", got, key, from, text)
	}
}

// sees wants the next list of who is typing.
func (c *visitor) sees(nicks ...string) {
	c.t.Helper()
	if got := c.until("typing").Nicks; !slices.Equal(got, nicks) {
		c.t.Errorf("got %q, want %q", got, nicks)
	}
}
