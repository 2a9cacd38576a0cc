package consumer

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// StreamEvent is one server-sent event.
type StreamEvent struct {
	// ID is what the client says in Last-Event-ID when it comes back. "" leaves
	// the one it has. It holds no line break and no NUL.
	ID string

	// Name is the type of the event, "message" if empty. It holds no line
	// break.
	Name string

	// Data may have several lines. The client's line breaks are "\n", whichever
	// Data has. It must be UTF-8.
	Data string

	// Retry is how long the client is to wait before it reconnects, in whole
	// milliseconds. Zero leaves it as it is.
	Retry time.Duration
}

// ErrInvalidEvent: a StreamEvent's ID or Name has characters that would begin
// another field.
var ErrInvalidEvent = errors.New("consumer: line break or NUL in the field of an event")

// appendEvent appends the event as it goes over the wire.
func appendEvent(dst []byte, event StreamEvent) ([]byte, error) {
	if strings.ContainsAny(event.ID, "\r\n\x00") || strings.ContainsAny(event.Name, "\r\n") {
		return dst, ErrInvalidEvent
	}
	if event.Name != "" {
		dst = append(append(append(dst, "event: "...), event.Name...), '\n')
	}
	if event.ID != "" {
		dst = append(append(append(dst, "id: "...), event.ID...), '\n')
	}
	if event.Retry > 0 {
		dst = append(dst, "retry: "...)
		dst = append(strconv.AppendInt(dst, event.Retry.Milliseconds(), 10), '\n')
	}
	return append(appendLines(dst, "data: ", event.Data), '\n'), nil
}

// appendComment appends lines that clients ignore.
func appendComment(dst []byte, text string) []byte {
	return append(appendLines(dst, ": ", text), '\n')
}

// appendLines appends text with a prefix for each of its lines, of which there
// is at least one.
func appendLines(dst []byte, prefix, text string) []byte {
	for more := true; more; {
		line := text
		if end := strings.IndexAny(text, "\r\n"); end < 0 {
			more = false
		} else {
			line = text[:end]
			if strings.HasPrefix(text[end:], "\r\n") {
				end++
			}
			text = text[end+1:]
		}
		dst = append(append(append(dst, prefix...), line...), '\n')
	}
	return dst
}
