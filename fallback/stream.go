package fallback

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/sse"
)

// stream hands out a session as server-sent events, until either side ends it.
func (s *session) stream(ctx context.Context, conn parley.Conn, held *attachment, cursor uint64, header http.Header) error {
	if err := conn.Send(ctx, sse.Start(header)); err != nil {
		return err
	}
	greeting, err := sse.Event{
		Name: "open", ID: s.eventID(cursor), Retry: time.Second, Data: `{"session":"` + s.id + `"}`,
	}.AppendText(nil)
	if err != nil {
		return err
	}
	if err := conn.Send(ctx, parley.HTTPResponseBody{Body: greeting, More: true}); err != nil {
		return err
	}
	for {
		data, next, last, err := s.nextEvents(ctx, held, cursor)
		if err != nil {
			return s.lost(err)
		}
		if err := conn.Send(ctx, parley.HTTPResponseBody{Body: data, More: !last}); err != nil {
			return err
		}
		cursor = next
		s.update(func() { s.out.released = max(s.out.released, cursor) })
		if last {
			return nil
		}
	}
}

// lost tells the consumer of a drain at once. Other clients may come back.
func (s *session) lost(err error) error {
	if errors.Is(err, parley.ErrDraining) {
		s.end(parley.WebSocketDisconnect{Code: parley.CloseServiceRestart, Cause: parley.ErrDraining})
	}
	return err
}

// nextEvents waits for what comes after cursor: messages, the end, or a
// heartbeat.
func (s *session) nextEvents(ctx context.Context, held *attachment, cursor uint64) (data []byte, next uint64, last bool, err error) {
	silence := time.NewTimer(s.app.options.Heartbeat)
	defer silence.Stop()
	var list []parley.WebSocketSend
	var said *parley.WebSocketClose
	err = s.until(ctx, silence.C, func() bool {
		list, said, last = slices.Clone(s.out.after(cursor)), nil, held.taken
		if len(list) == 0 {
			said = s.said
		}
		return len(list) > 0 || said != nil || last
	})
	for _, message := range list {
		cursor++
		data = s.appendMessage(data, message, cursor)
	}
	switch {
	case said != nil:
		data, last = appendClosed(data, said), true
		s.app.sessions.remove(s)
	case len(list) == 0:
		data = sse.AppendComment(nil, "")
	default:
		last = false
	}
	return data, cursor, last, err
}

func (s *session) eventID(number uint64) string { return s.id + "." + strconv.FormatUint(number, 10) }

func (s *session) appendMessage(dst []byte, message parley.WebSocketSend, number uint64) []byte {
	kind, data := message.Payload()
	event := sse.Event{ID: s.eventID(number), Data: string(data)}
	if kind == parley.BinaryMessage {
		event.Name, event.Data = "binary", base64.StdEncoding.EncodeToString(data)
	}
	dst, _ = event.AppendText(dst) // name and id are ours
	return dst
}

// closed is how a client without a socket is told of the end.
type closed struct {
	Code   parley.CloseCode `json:"code"`
	Reason string           `json:"reason,omitempty"`
}

func appendClosed(dst []byte, said *parley.WebSocketClose) []byte {
	data, _ := json.Marshal(closed{said.Code, said.Reason})
	dst, _ = sse.Event{Name: "close", Data: string(data)}.AppendText(dst)
	return dst
}
