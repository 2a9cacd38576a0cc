package consumer_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/parleytest"
)

// listener is a client that only listens, by whatever transport.
type listener interface {
	next() string // message
	leave()
}

// transports are the ways of a client to an app. A client names positions in its
// handshake, unless there are none.
var transports = map[string]func(t *testing.T, app parley.App, positions string) listener{
	"websocket": func(t *testing.T, app parley.App, positions string) listener {
		return &bySocket{parleytest.Dial(t, app, resuming(positions))}
	},
	"sse": func(t *testing.T, app parley.App, positions string) listener {
		r := resuming(positions)
		r.Header.Set("Accept", "text/event-stream")
		s := &byStream{requester: requester{t: t, app: fallback.New(app, fallback.Options{})}}
		s.x = s.begin(r)
		return s
	},
	"poll": func(t *testing.T, app parley.App, positions string) listener {
		p := &byPoll{requester: requester{t: t, app: fallback.New(app, fallback.Options{})}}
		p.take(p.begin(resuming(positions)))
		return p
	},
}

func resuming(positions string) *http.Request {
	r := httptest.NewRequest("GET", "/chat", nil)
	if positions != "" {
		r.URL.RawQuery = url.Values{"parley-resume": {positions}}.Encode()
	}
	return r
}

type bySocket struct{ *parleytest.Socket }

func (s *bySocket) next() string { return s.Receive().Text() }

func (s *bySocket) leave() { s.Vanish(); s.Wait() }

// requester makes the requests of a client without a socket.
type requester struct {
	t       *testing.T
	app     parley.App
	session string
	secret  string
}

func (r *requester) begin(request *http.Request) *parleytest.Exchange {
	if r.session != "" {
		request.Header.Set("Parley-Session", r.session)
	}
	request.Header.Set("Parley-Secret", cmp.Or(r.secret, "new"))
	x := parleytest.Start(r.t, r.app, request)
	if r.secret == "" {
		r.secret = x.Header().Get("Parley-Secret")
	}
	return x
}

func (r *requester) leave() {
	if got := r.begin(httptest.NewRequest("DELETE", "/chat", nil)).Response(); got.Status != 204 {
		r.t.Errorf("left with %d", got.Status)
	}
}

type byStream struct {
	requester
	x      *parleytest.Exchange
	unread string
}

func (s *byStream) next() string {
	for {
		if data := s.more(); data != "" {
			return data
		}
	}
}

// more reads an event, and returns nothing for the one that says who the client is.
func (s *byStream) more() string {
	for !strings.Contains(s.unread, "\n\n") {
		part, ok := s.x.Read()
		if !ok {
			s.t.Fatal("the stream has ended")
		}
		s.unread += part
	}
	var event string
	event, s.unread, _ = strings.Cut(s.unread, "\n\n")
	_, data, _ := strings.Cut(event, "data: ")
	if _, id, opens := strings.Cut(data, `{"session":"`); opens {
		s.session = strings.TrimSuffix(id, `"}`)
		return ""
	}
	return data
}

type byPoll struct {
	requester
	cursor uint64
	unread []string
}

func (p *byPoll) take(x *parleytest.Exchange) {
	var answer struct {
		Session  string
		Cursor   uint64
		Messages []struct{ Text string }
		Closed   json.RawMessage
	}
	if err := json.Unmarshal([]byte(x.Response().Body), &answer); err != nil {
		p.t.Fatal(err)
	}
	p.session, p.cursor = cmp.Or(p.session, answer.Session), answer.Cursor
	for _, message := range answer.Messages {
		p.unread = append(p.unread, message.Text)
	}
	if answer.Closed != nil {
		p.unread = append(p.unread, string(answer.Closed))
	}
}

func (p *byPoll) next() string {
	for len(p.unread) == 0 {
		r := httptest.NewRequest("GET", "/chat?cursor="+strconv.FormatUint(p.cursor, 10), nil)
		p.take(p.begin(r))
	}
	message := p.unread[0]
	p.unread = p.unread[1:]
	return message
}
