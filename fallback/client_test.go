package fallback_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
)

// client is a client without a socket, without a network either.
type client struct {
	t       testing.TB
	app     parley.App
	streams bool
	target  string
	as      func(*http.Request) *http.Request // shows who it is; nil: nobody

	session, protocol string
	cursor            uint64
	secret            string // in the header; without one it has a cookie
	cookie            *http.Cookie

	x    *parleytest.Exchange // the stream
	read string               // of it, and not taken apart yet

	started func(*parleytest.Exchange) // hears of polls
}

// news is an event of a stream, or an answer to a poll.
type news struct {
	messages []parley.WebSocketReceive
	closed   *closed
	comment  bool
	gone     bool // the answer was no news
	status   int
}

type closed struct {
	Code   parley.CloseCode
	Reason string
	Retry  int
}

type polled struct {
	Session, Protocol string
	Cursor            uint64
	Messages          []struct {
		Text   *string
		Binary *[]byte
	}
	Closed *closed
}

func (c *client) request(method, body string) *http.Request {
	r := httptest.NewRequest(method, "http://example.com"+c.path(), strings.NewReader(body))
	if c.session != "" {
		r.Header.Set("Parley-Session", c.session)
	}
	if c.secret != "" {
		r.Header.Set("Parley-Secret", c.secret)
	}
	if c.cookie != nil {
		r.AddCookie(c.cookie)
	}
	if c.as != nil {
		r = c.as(r)
	}
	return r
}

func (c *client) path() string {
	if c.target == "" {
		return "/chat"
	}
	return c.target
}

// get is the request of a stream, or of a poll.
func (c *client) get() *http.Request {
	r := c.request("GET", "")
	if c.streams {
		r.Header.Set("Accept", "text/event-stream")
		if c.session != "" {
			r.Header.Set("Last-Event-ID", fmt.Sprintf("%s.%d", c.session, c.cursor))
		}
		return r
	}
	if c.session != "" {
		query := r.URL.Query()
		query.Set("cursor", fmt.Sprint(c.cursor))
		r.URL.RawQuery = query.Encode()
	}
	return r
}

// open opens a session and returns the status of the answer.
func (c *client) open() int {
	c.t.Helper()
	c.session, c.read = "", ""
	c.x = parleytest.Start(c.t, c.app, c.get())
	status := c.x.Status()
	if status != 200 {
		return status
	}
	c.keep(c.x.Header())
	if got := c.next(); got.gone {
		c.t.Errorf("no session: %+v", got)
	}
	return status
}

// keep keeps the secret of an answer.
func (c *client) keep(header http.Header) {
	for _, cookie := range (&http.Response{Header: header}).Cookies() {
		c.cookie = cookie
	}
	if secret := header.Get("Parley-Secret"); secret != "" {
		c.secret = secret
	}
}

// mustOpen is open of a client that is let in.
func (c *client) mustOpen() *client {
	c.t.Helper()
	if status := c.open(); status != 200 {
		c.t.Fatalf("opened with %d", status)
	}
	return c
}

// attach begins a stream, or a poll.
func (c *client) attach() *parleytest.Exchange {
	c.t.Helper()
	c.read = ""
	c.x = parleytest.Start(c.t, c.app, c.get())
	return c.x
}

// next waits for the next event, or for the answer to the next poll.
func (c *client) next() news {
	c.t.Helper()
	if c.streams {
		return c.nextEvent()
	}
	x := c.x
	if x == nil {
		x = parleytest.Start(c.t, c.app, c.get())
	}
	c.x = nil
	if c.started != nil {
		c.started(x)
	}
	return c.answer(x.Response())
}

func (c *client) answer(got *parleytest.Response) news {
	c.t.Helper()
	if got.Status != 200 || got.Truncated {
		return news{gone: true, status: got.Status}
	}
	var p polled
	if err := json.Unmarshal([]byte(got.Body), &p); err != nil {
		c.t.Fatalf("%q: %v", got.Body, err)
	}
	if p.Session != "" {
		c.session, c.protocol = p.Session, p.Protocol
	}
	c.cursor = p.Cursor
	n := news{closed: p.Closed, status: 200}
	for _, message := range p.Messages {
		if message.Binary != nil {
			n.messages = append(n.messages, binary(*message.Binary))
			continue
		}
		n.messages = append(n.messages, parley.WebSocketReceive{Data: []byte(*message.Text)})
	}
	return n
}

func binary(data []byte) parley.WebSocketReceive {
	return parley.WebSocketReceive{Type: parley.BinaryMessage, Data: data}
}

func (c *client) nextEvent() news {
	c.t.Helper()
	if c.x == nil {
		c.attach()
	}
	for !strings.Contains(c.read, "\n\n") {
		part, ok := c.x.Read()
		if !ok {
			return news{gone: true, status: c.x.Status()}
		}
		c.read += part
	}
	var event string
	event, c.read, _ = strings.Cut(c.read, "\n\n")
	return c.take(event)
}

// take reads an event as EventSource does.
func (c *client) take(event string) (n news) {
	c.t.Helper()
	name, data, has := "message", []string{}, false
	for line := range strings.SplitSeq(event, "\n") {
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			name = value
		case "data":
			data, has = append(data, value), true
		case "id":
			if _, number, ok := strings.Cut(value, "."); ok {
				fmt.Sscan(number, &c.cursor)
			}
		}
	}
	text := strings.Join(data, "\n")
	switch {
	case !has:
		return news{comment: true}
	case name == "open":
		var opened struct{ Session, Protocol string }
		c.decode(text, &opened)
		c.session, c.protocol = opened.Session, opened.Protocol
	case name == "close":
		n.closed = new(closed)
		c.decode(text, n.closed)
	case name == "binary":
		bytes, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			c.t.Errorf("%q: %v", text, err)
		}
		n.messages = append(n.messages, binary(bytes))
	case name == "text":
		c.decode(text, &text)
		fallthrough
	case name == "message":
		n.messages = append(n.messages, parley.WebSocketReceive{Data: []byte(text)})
	default:
		c.t.Errorf("event %q", event)
	}
	return n
}

func (c *client) decode(text string, value any) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(text), value); err != nil {
		c.t.Fatalf("%q: %v", text, err)
	}
}

// message waits for the next message.
func (c *client) message() string {
	c.t.Helper()
	for {
		n := c.next()
		switch {
		case len(n.messages) > 0:
			return n.messages[0].Text()
		case n.closed != nil, n.gone:
			c.t.Fatalf("no message but %+v", n)
		}
	}
}

// texts waits for so many messages.
func (c *client) texts(count int) (all []string) {
	c.t.Helper()
	for len(all) < count {
		n := c.next()
		for _, message := range n.messages {
			all = append(all, message.Text())
		}
		if n.closed != nil || n.gone {
			c.t.Fatalf("%d messages, and %+v", len(all), n)
		}
	}
	return all
}

// ended waits for the end and returns its code: 1006 for one that was not told.
func (c *client) ended() parley.CloseCode {
	c.t.Helper()
	for {
		n := c.next()
		switch {
		case n.closed != nil:
			return n.closed.Code
		case n.gone:
			return parley.CloseAbnormal
		}
	}
}

func (c *client) do(method, body string) *parleytest.Response {
	c.t.Helper()
	return parleytest.Do(c.t, c.app, c.request(method, body))
}

func (c *client) post(text string) int {
	c.t.Helper()
	return c.do("POST", text).Status
}

func (c *client) postBinary(data string) int {
	c.t.Helper()
	r := c.request("POST", data)
	r.Header.Set("Content-Type", "application/octet-stream")
	return parleytest.Do(c.t, c.app, r).Status
}

// goodbye closes with code, if that is not zero.
func (c *client) goodbye(code parley.CloseCode, reason string) int {
	c.t.Helper()
	r := c.request("DELETE", "")
	query := r.URL.Query()
	if code != 0 {
		query.Set("code", fmt.Sprint(code))
	}
	if reason != "" {
		query.Set("reason", reason)
	}
	r.URL.RawQuery = query.Encode()
	return parleytest.Do(c.t, c.app, r).Status
}

// offer is the query that offers subprotocols.
func offer(protocols ...string) string {
	if len(protocols) == 0 {
		return "/chat"
	}
	return "/chat?" + url.Values{"protocols": {strings.Join(protocols, ", ")}}.Encode()
}
