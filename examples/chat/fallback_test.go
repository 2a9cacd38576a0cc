package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// stream is a page without a socket.
type stream struct {
	t        *testing.T
	at       string
	cookie   string
	session  string
	number   string // of the next message, if it has one
	response *http.Response
	lines    *bufio.Scanner
}

func openStream(t *testing.T, home, room, nick string) *stream {
	t.Helper()
	s := &stream{t: t, at: home + "rooms/" + room, cookie: cookieOf(t, home, nick)}
	s.response = s.do("GET", "")
	if s.response.StatusCode != 200 {
		t.Fatal(s.response.Status)
	}
	s.lines = bufio.NewScanner(s.response.Body)
	var opened struct{ Session string }
	if err := json.Unmarshal([]byte(s.data()), &opened); err != nil {
		t.Fatal(err)
	}
	s.session = opened.Session
	return s
}

func (s *stream) do(method, body string) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.at, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Cookie", s.cookie)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if s.session != "" {
		r.Header.Set("Parley-Session", s.session)
	}
	if s.number != "" {
		r.Header.Set("Parley-Message", s.number)
	}
	if method == "GET" {
		r.Header.Set("Accept", "text/event-stream")
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { response.Body.Close() })
	return response
}

// data reads the data of the next event.
func (s *stream) data() string {
	s.t.Helper()
	for s.lines.Scan() {
		if data, ok := strings.CutPrefix(s.lines.Text(), "data: "); ok {
			return data
		}
	}
	s.t.Fatalf("the stream has ended: %v", s.lines.Err())
	return ""
}

// Nobody speaks as somebody else, neither with the name of their session nor after
// they have left.
func TestStranger(t *testing.T) {
	home := start(t)
	ann := openStream(t, home, "lobby", "ann")
	bob := *ann
	bob.cookie = cookieOf(t, home, "bob")
	line := `{"type":"line","key":"1","text":"hello"}`
	for _, method := range []string{"GET", "POST", "DELETE"} {
		if got := bob.do(method, line); got.StatusCode != 404 {
			t.Errorf("%s of a stranger: %s", method, got.Status)
		}
	}
	if got := ann.do("POST", line); got.StatusCode != 204 {
		t.Errorf("her own: %s", got.Status)
	}
	for !strings.Contains(ann.data(), `"hello"`) {
	}
	leave, err := http.NewRequestWithContext(t.Context(), "POST", home+"logout", nil)
	if err != nil {
		t.Fatal(err)
	}
	leave.Header.Set("Cookie", ann.cookie)
	response, err := http.DefaultClient.Do(leave)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	for !strings.Contains(ann.data(), `"code":4401`) {
	}
	if got := ann.do("POST", line); got.StatusCode != 401 {
		t.Errorf("after the logout: %s", got.Status)
	}
}

// A shutdown ends without an error though nobody answers it.
func TestSilentPeers(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes as long as a peer has to answer")
	}
	home := start(t)
	cookie := cookieOf(t, home, "ann")
	for range 8 {
		joinAs(t, home, "lobby", cookie) // and nothing is read any more
	}
	openStream(t, home, "lobby", "bob")
}

// A message that is sent again under its number, as the page does when the answer is
// lost, is heard once.
func TestSentAgain(t *testing.T) {
	ann := openStream(t, start(t), "lobby", "ann")
	for _, sent := range []struct{ number, key, text string }{
		{"1", "1", "hello"}, {"1", "2", "hello again"}, {"2", "3", "goodbye"},
	} {
		ann.number = sent.number
		line := `{"type":"line","key":"` + sent.key + `","text":"` + sent.text + `"}`
		if got := ann.do("POST", line); got.StatusCode != 204 {
			t.Errorf("number %s: %s", sent.number, got.Status)
		}
	}
	for {
		data := ann.data()
		if strings.Contains(data, "hello again") {
			t.Error("the same number was heard twice")
		}
		if strings.Contains(data, "goodbye") {
			return
		}
	}
}
