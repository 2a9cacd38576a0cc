package middleware

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/parleygo/parley"
)

// Access is one conversation that has ended.
type Access struct {
	Protocol  parley.Protocol
	Method    string
	Path      string // without the query, which may hold tickets, and its first KiB at most
	Proto     string // "HTTP/1.1"
	Route     string // the pattern that matched, if it could be seen
	Remote    string // address of the client, as TrustedProxies above found it
	User      string // id of the user, if Auth below knows one
	RequestID string
	Referer   string // without its query
	UserAgent string

	Start    time.Time
	Duration time.Duration

	Status   int              // of the HTTP answer; 101 for a socket; 0 if there was none
	Code     parley.CloseCode // of a socket that was open
	Cause    error            // why it ended, typed; nil for an end in peace
	Refusal  *Refusal         // of middleware below, or nil
	BytesIn  int64            // of bodies or messages received
	BytesOut int64            // of bodies or messages sent
}

// Attrs returns the record for slog. Fields that say nothing are left out.
func (a *Access) Attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("protocol", string(a.Protocol)), slog.String("method", a.Method),
		slog.String("path", a.Path),
		slog.Int("status", a.Status), slog.Duration("duration", a.Duration),
		slog.Int64("bytes_in", a.BytesIn), slog.Int64("bytes_out", a.BytesOut),
		slog.String("remote", a.Remote),
	}
	if a.Code != 0 {
		attrs = append(attrs, slog.Int("code", int(a.Code)))
	}
	if a.Refusal != nil {
		attrs = append(attrs, slog.String("refused_by", a.Refusal.By),
			slog.String("reason", a.Refusal.Reason))
	}
	if a.Cause != nil {
		attrs = append(attrs, slog.String("cause", a.Cause.Error()))
	}
	for _, field := range []struct{ key, value string }{
		{"route", a.Route}, {"user", a.User}, {"request_id", a.RequestID},
	} {
		if field.value != "" {
			attrs = append(attrs, slog.String(field.key, field.value))
		}
	}
	return attrs
}

// NCSA returns the record as a line of the combined log format, without a newline.
// A socket's close code stands where HTTP has no place for it, in the request
// line's protocol: "WebSocket/1000". What a client chose is escaped.
func (a *Access) NCSA() string {
	proto, host := a.Proto, a.Remote
	if a.Code != 0 {
		proto = "WebSocket/" + strconv.Itoa(int(a.Code))
	}
	if peer, _, ok := strings.Cut(host, "]:"); ok {
		host = strings.TrimPrefix(peer, "[")
	} else if peer, _, ok := strings.Cut(host, ":"); ok && strings.Count(host, ":") == 1 {
		host = peer
	}
	return fmt.Sprintf(`%s - %s [%s] "%s %s %s" %d %d "%s" "%s"`, word(host), word(a.User),
		a.Start.Format("02/Jan/2006:15:04:05 -0700"), word(a.Method), word(a.Path), proto,
		a.Status, a.BytesOut, field(a.Referer), field(a.UserAgent))
}

// word is a field that a space ends.
func word(text string) string { return strings.ReplaceAll(field(text), " ", `\x20`) }

// field is one in quotes.
func field(text string) string {
	if text == "" {
		return "-"
	}
	return ncsaEscape(text)
}

// ncsaEscape keeps a value from ending its quotes or line.
func ncsaEscape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// WriteNCSA returns a Record that writes lines of the combined log format, one
// Write for each, one at a time.
func WriteNCSA(w io.Writer) func(context.Context, *Access) {
	var mu sync.Mutex
	return func(_ context.Context, access *Access) {
		line := access.NCSA() + "\n"
		mu.Lock()
		defer mu.Unlock()
		io.WriteString(w, line) // a log that is full must not stop the service
	}
}

func newAccess(ctx context.Context, scope *parley.Scope) Access {
	r := scope.Request
	return Access{
		Protocol: scope.Protocol, Method: cut(scope.Method(), 32),
		Path: cut(r.URL.Path, longPath), Proto: r.Proto,
		Remote: r.RemoteAddr, RequestID: RequestIDFrom(ctx), Referer: withoutQuery(r),
		UserAgent: cut(r.UserAgent(), 256), Start: time.Now(),
	}
}

func withoutQuery(r *http.Request) string {
	referer, _, _ := strings.Cut(r.Referer(), "?")
	return cut(referer, 256)
}

// longPath is how much of a path is written into the log.
const longPath = 1 << 10

// cut bounds what a client can write into the log with one header.
func cut(text string, length int) string {
	if len(text) > length {
		return text[:length]
	}
	return text
}
