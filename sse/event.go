package sse

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// ContentType is the media type of a stream of events.
const ContentType = "text/event-stream"

// Event is one server-sent event.
type Event struct {
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

// ErrInvalidEvent: an Event's ID or Name has characters that would begin another
// field.
var ErrInvalidEvent = errors.New("sse: line break or NUL in the field of an event")

// AppendText appends the event as it goes over the wire. Its error is
// ErrInvalidEvent, and then nothing is appended.
func (e Event) AppendText(dst []byte) ([]byte, error) {
	if strings.ContainsAny(e.ID, "\r\n\x00") || strings.ContainsAny(e.Name, "\r\n") {
		return dst, ErrInvalidEvent
	}
	if e.Name != "" {
		dst = append(append(append(dst, "event: "...), e.Name...), '\n')
	}
	if e.ID != "" {
		dst = append(append(append(dst, "id: "...), e.ID...), '\n')
	}
	if e.Retry > 0 {
		dst = append(dst, "retry: "...)
		dst = append(strconv.AppendInt(dst, e.Retry.Milliseconds(), 10), '\n')
	}
	return append(appendLines(dst, "data: ", e.Data), '\n'), nil
}

// AppendComment appends lines that clients ignore.
func AppendComment(dst []byte, text string) []byte {
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
