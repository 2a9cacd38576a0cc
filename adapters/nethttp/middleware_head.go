package nethttp

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/overevents"
)

// handshakeWriter is the writer that middleware is given in front of a socket. What
// it writes before it hands on denies the handshake. Afterwards it is asked once
// what it makes of the app's answer, which is when middleware that wraps writers
// does what it has put off until then: save a session, set its cookie.
type handshakeWriter struct {
	*overevents.Writer

	mu     sync.Mutex
	handed bool
	status int // what was written since, if it is no socket's
	body   []byte
}

func (w *handshakeWriter) hasHanded() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.handed
}

func (w *handshakeWriter) hand() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handed = true
}

// WriteHeader is the answer's, or keeps its status.
func (w *handshakeWriter) WriteHeader(status int) {
	if !w.hasHanded() {
		w.Writer.WriteHeader(status)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
}

// maxInstead bounds what middleware says in place of an app.
const maxInstead = 64 << 10

// Write is the answer's, or keeps p.
func (w *handshakeWriter) Write(p []byte) (int, error) {
	if !w.hasHanded() {
		return w.Writer.Write(p)
	}
	w.WriteHeader(http.StatusOK)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.body = append(w.body, p[:min(len(p), maxInstead-len(w.body))]...)
	return len(p), nil
}

// WriteString is Write.
func (w *handshakeWriter) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// ReadFrom is Write for all that src has.
func (w *handshakeWriter) ReadFrom(src io.Reader) (int64, error) {
	if !w.hasHanded() {
		return w.Writer.ReadFrom(src)
	}
	return io.Copy(struct{ io.Writer }{w}, src)
}

// Flush brings an answer to the client, if there is one.
func (w *handshakeWriter) Flush() { w.FlushError() }

// FlushError is Flush that tells of failure.
func (w *handshakeWriter) FlushError() error {
	if w.hasHanded() {
		return nil
	}
	return w.Writer.FlushError()
}

// headHook changes the headers of the answer to a handshake, or answers instead.
type headHook func(status int, header http.Header) (instead *parley.WebSocketDeny)

// errAnsweredAbove is what an accept gets when middleware has answered instead.
var errAnsweredAbove = fmt.Errorf(
	"nethttp: middleware answered the handshake in the app's place: %w", parley.ErrDisconnected)

// headHook has the middleware make of the answer what it would make of any: once,
// through the outermost writer that it has handed on.
func (p *passage) headHook(outermost http.ResponseWriter, before http.Header) headHook {
	var once sync.Once
	return func(status int, header http.Header) (instead *parley.WebSocketDeny) {
		once.Do(func() {
			outermost.WriteHeader(status)
			after := maps.Clone(p.writer.Header())
			maps.Copy(after, outermost.Header()) // a writer in between may have one of its own
			changeHeader(header, before, after)
			instead = p.writer.insteadOf(status)
		})
		return instead
	}
}

func (w *handshakeWriter) insteadOf(status int) *parley.WebSocketDeny {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.status == 0 || w.status == status || w.status == http.StatusSwitchingProtocols {
		return nil
	}
	return &parley.WebSocketDeny{Status: w.status, Body: w.body}
}

// changeHeader does to header what was done between before and after. Values that
// were added go behind what header has.
func changeHeader(header, before, after http.Header) {
	for name, values := range after {
		known := before[name]
		switch {
		case slices.Equal(known, values):
		case len(values) > len(known) && slices.Equal(known, values[:len(known)]):
			header[name] = append(slices.Clip(header[name]), values[len(known):]...)
		default:
			header[name] = slices.Clone(values)
		}
	}
}
