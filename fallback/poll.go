package fallback

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/parleygo/parley"
)

// polled is the answer to a poll.
type polled struct {
	opening                    // in the first answer
	Cursor   uint64            `json:"cursor"` // for the next request
	Messages []json.RawMessage `json:"messages"`
	Closed   *goodbye          `json:"closed,omitempty"`
}

// poll hands out what comes after cursor, and waits for it, unless the session is
// new to its client.
func (r *receiver) poll(cursor uint64, header http.Header) error {
	answer := polled{Messages: []json.RawMessage{}}
	patience := r.session.app.options.PollTimeout
	first := r.session.announce()
	if first {
		answer.opening, patience = r.session.opening(), 0
	}
	n, err := r.wait(patience, cursor)
	if err != nil {
		return err
	}
	if n.cut && !first {
		return r.finish(n, parley.HTTPResponseBody{})
	}
	for _, message := range n.list {
		answer.Messages = append(answer.Messages, encoded(message, "fallback.parcel", asParcel))
	}
	answer.Cursor = cursor + uint64(len(n.list))
	if n.said != nil {
		answer.Closed = n.said.told()
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	n.cut = false // the next one is
	start := parley.HTTPResponseStart{Status: http.StatusOK, Header: joined(header, nil)}
	start.Header.Set("Content-Type", "application/json")
	start.Header.Set("Cache-Control", "no-store")
	start.Header.Set("Content-Length", strconv.Itoa(len(body)))
	if err := r.hand(start); err != nil {
		return err
	}
	return r.finish(n, parley.HTTPResponseBody{Body: body})
}

// announce reports whether the client has not been told of its session, and notes
// that it has.
func (s *session) announce() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.announced
	s.announced = true
	return first
}

// wait waits for news, but no longer than a poll may be held. The client has to
// confirm what it gets.
func (r *receiver) wait(patience time.Duration, cursor uint64) (news, error) {
	s := r.session
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	n, err := r.await(timeout.C, cursor)
	if len(n.list) > 0 {
		s.update(func() {
			if s.out.handed.IsZero() {
				s.out.handed = time.Now()
			}
		})
	}
	return n, err
}
