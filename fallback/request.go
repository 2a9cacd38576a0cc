package fallback

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/parleygo/parley/sse"
)

// What requests say in headers, since queries are written into logs. Those who
// can't set headers have the query parameters "session", "protocols" and "message".
const (
	sessionHeader = "Parley-Session"
	secretHeader  = "Parley-Secret"
	messageHeader = "Parley-Message"
)

// asked is what a request of a client says.
type asked struct {
	session string // none opens one
	cursor  uint64 // the number of the last message that the client has
	streams bool   // it wants server-sent events
	message uint64 // the number of the message that it brings; 0: it has none
	secrets []string
	keeper  bool // it has no cookies, and keeps a secret by itself
}

var (
	errBadCursor = errors.New("fallback: cursor is not a number")
	errBadNumber = errors.New("fallback: message is not a number from 1 on")
)

// read reads a request. The session and the cursor stand in Last-Event-ID,
// "<session>.<number>", or in header and query.
func (o *Options) read(r *http.Request) (a asked, err error) {
	query := r.URL.Query()
	number := query.Get("cursor")
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		a.session, number, _ = strings.Cut(last, ".")
	} else if a.session = r.Header.Get(sessionHeader); a.session == "" {
		a.session = query.Get("session")
	}
	if number != "" {
		if a.cursor, err = strconv.ParseUint(number, 10, 63); err != nil {
			return a, errBadCursor
		}
	}
	if a.session == "" {
		a.cursor = 0 // of an earlier session, of which a new one has nothing
	}
	if a.message, err = messageNumber(r, query); err != nil {
		return a, err
	}
	a.streams = wantsEvents(r.Header["Accept"])
	if secret := r.Header.Get(secretHeader); secret == "new" {
		a.keeper = true
	} else if secret != "" {
		a.secrets = append(a.secrets, secret)
	}
	for _, cookie := range r.CookiesNamed(o.CookieName) {
		a.secrets = append(a.secrets, cookie.Value)
	}
	return a, nil
}

// messageNumber returns the number that the client has given its message, or 0.
func messageNumber(r *http.Request, query url.Values) (uint64, error) {
	text := r.Header.Get(messageHeader)
	if text == "" {
		text = query.Get("message")
	}
	if text == "" {
		return 0, nil
	}
	number, err := strconv.ParseUint(text, 10, 63)
	if err != nil || number == 0 {
		return 0, errBadNumber
	}
	return number, nil
}

// wantsEvents reports whether an Accept header names the type of event streams.
// EventSource says nothing else.
func wantsEvents(accept []string) bool {
	for _, line := range accept {
		for element := range strings.SplitSeq(line, ",") {
			if isType(element, sse.ContentType) {
				return true
			}
		}
	}
	return false
}

// isType reports whether a media type is want, whatever its parameters.
func isType(mediaType, want string) bool {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), want)
}

// maxHead is how much of a request's header a session keeps for its app.
const maxHead = 32 << 10

// headSize returns the bytes of a request's URL and header.
func headSize(r *http.Request) int {
	size := len(r.RequestURI) + len(r.Host)
	for name, values := range r.Header {
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	return size
}
