package fallback

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/parleygo/parley"
)

// polled is the answer to a poll.
type polled struct {
	Session  string   `json:"session,omitempty"` // in the first answer
	Cursor   uint64   `json:"cursor"`            // for the next request
	Messages []parcel `json:"messages"`
	Closed   *closed  `json:"closed,omitempty"`
}

// parcel is one message. encoding/json makes base64 of bytes. The pointers tell an
// empty message from none.
type parcel struct {
	Text   *string `json:"text,omitempty"`
	Binary *[]byte `json:"binary,omitempty"`
}

// poll hands out what comes after cursor, and waits for it, unless the session
// is new to its client.
func (s *session) poll(ctx context.Context, conn parley.Conn, held *attachment, cursor uint64, header http.Header) error {
	answer := polled{Cursor: cursor, Messages: []parcel{}}
	timeout := time.NewTimer(s.app.options.PollTimeout)
	defer timeout.Stop()
	err := s.until(ctx, timeout.C, func() bool {
		first := !s.announced
		s.announced = true
		if first {
			answer.Session = s.id
		}
		for _, message := range s.out.after(cursor) {
			answer.Messages = append(answer.Messages, parcelOf(message))
		}
		answer.Cursor = cursor + uint64(len(answer.Messages))
		if len(answer.Messages) == 0 && s.said != nil {
			answer.Closed = &closed{s.said.Code, s.said.Reason}
		}
		return first || len(answer.Messages) > 0 || answer.Closed != nil || held.taken
	})
	if err != nil {
		return s.lost(err)
	}
	if answer.Closed != nil {
		s.app.sessions.remove(s)
	}
	return answer.send(ctx, conn, header)
}

func (p *polled) send(ctx context.Context, conn parley.Conn, header http.Header) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	header = header.Clone()
	if header == nil {
		header = make(http.Header, 3)
	}
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	return parley.Respond(ctx, conn, http.StatusOK, header, body)
}

func parcelOf(message parley.WebSocketSend) parcel {
	kind, data := message.Payload()
	if kind == parley.BinaryMessage {
		return parcel{Binary: &data}
	}
	text := string(data)
	return parcel{Text: &text}
}
