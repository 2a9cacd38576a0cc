package fallback

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/sse"
)

// opening is what a client is told of its session.
type opening struct {
	Session  string `json:"session,omitempty"`
	Protocol string `json:"protocol,omitempty"`
}

func (s *session) opening() opening { return opening{s.id, s.accept.Subprotocol} }

// stream hands out a session as server-sent events, until either side ends it.
func (r *receiver) stream(cursor uint64, header http.Header) error {
	s := r.session
	if err := r.hand(sse.Start(header)); err != nil {
		return err
	}
	var n news
	data := s.greeting(cursor)
	for {
		if err := r.hand(parley.HTTPResponseBody{Body: data, More: true}); err != nil {
			return err
		}
		cursor += uint64(len(n.list))
		s.update(func() { s.out.release(cursor) })
		var err error
		if n, err = r.heartbeat(cursor); err != nil {
			return err
		}
		if n.over {
			return r.finish(n, parley.HTTPResponseBody{Body: n.lastEvent()})
		}
		data = s.events(n.list, cursor)
	}
}

func (s *session) greeting(cursor uint64) []byte {
	data, _ := json.Marshal(s.opening())
	greeting, _ := sse.Event{
		Name: "open", ID: s.eventID(cursor), Retry: time.Second, Data: string(data),
	}.AppendText(nil)
	return greeting
}

func (s *session) eventID(number uint64) string {
	return s.id + "." + strconv.FormatUint(number, 10)
}

// heartbeat waits for news, but not for long.
func (r *receiver) heartbeat(cursor uint64) (news, error) {
	silence := time.NewTimer(r.session.app.options.Heartbeat)
	defer silence.Stop()
	return r.await(silence.C, cursor)
}

// events are the messages after cursor as a stream has them. No news is a comment.
func (s *session) events(list []parley.WebSocketSend, cursor uint64) (data []byte) {
	if len(list) == 0 {
		return sse.AppendComment(nil, "")
	}
	for _, message := range list {
		cursor++
		data = append(append(append(data, "id: "...), s.eventID(cursor)...), '\n')
		data = append(data, encoded(message, "fallback.event", asEvent)...)
	}
	return data
}

func (n news) lastEvent() []byte {
	if n.said == nil {
		return nil
	}
	return n.said.event()
}
