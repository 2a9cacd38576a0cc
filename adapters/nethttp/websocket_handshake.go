package nethttp

import (
	"errors"
	"maps"
	"net/http"
	"net/textproto"
	"sync"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/usercode"
)

// handshakeState says who has the response writer of a handshake.
type handshakeState uint8

const (
	handshakeOpen     handshakeState = iota // nobody has answered
	handshakeTaken                          // the app answers, or a handler that was given the writer
	handshakeRefused                        // the gateway answers in the app's place
	handshakeAnswered                       // nobody has any more: ServeHTTP may return
)

// handshake is the part of a WebSocket conversation that ServeHTTP waits for. Its
// states follow each other in their order; whoever leaves the first one answers.
type handshake struct {
	extended bool // over HTTP/2

	state sync.Mutex // guards what follows, and the writer while the handshake is open
	at    handshakeState
	*opening
}

// opening is what there is of a handshake until it is answered. An open socket has
// none: the writer alone holds 8 KiB of net/http's.
type opening struct {
	w        http.ResponseWriter
	lent     lentRequest
	hooks    []headHook    // of middleware above, outermost first
	preset   http.Header   // fields before which the app's own go
	calls    chan func()   // for ServeHTTP, closed when it may return
	answered chan struct{} // closed then, too; made by who waits
	asking   int           // those who call
	denied   bool          // by the app, which may be at that still
	held     bool          // the app runs on the goroutine of ServeHTTP
	failure  any           // what ServeHTTP is to panic with
}

// serveCalls does what ServeHTTP is asked to, until the handshake is answered.
func (h *handshake) serveCalls(o *opening) {
	defer h.serveRest(o) // also where a call has ended this goroutine
	for call := range o.calls {
		call()
	}
}

// serveRest does not leave those waiting who have called by now.
func (h *handshake) serveRest(o *opening) {
	h.done()
	for call := range o.calls {
		call()
	}
}

// there calls f on the goroutine of ServeHTTP, if that has not returned, and passes on
// how it ends: parley.ErrGoexit means that the goroutine is gone. Upgrading goes deep,
// and the app's goroutine would keep for good the stack that it needs.
func (h *handshake) there(f func() error) error {
	o := h.ask()
	if o == nil {
		return f()
	}
	ended := make(chan error, 1)
	o.calls <- func() { usercode.Call(f, func(err error) { ended <- err }) }
	err := <-ended
	h.asked(o)
	if panicked, ok := err.(*parley.PanicError); ok {
		panic(panicked)
	}
	return err
}

func (h *handshake) asked(o *opening) {
	h.state.Lock()
	defer h.state.Unlock()
	o.asking--
	h.letReturn(o)
}

// ask keeps ServeHTTP from returning. It returns nil where f can only be called here.
func (h *handshake) ask() *opening {
	h.state.Lock()
	defer h.state.Unlock()
	if h.at == handshakeAnswered || h.held {
		return nil
	}
	h.asking++
	return h.opening
}

// letReturn lets ServeHTTP return, if it may. The caller holds state.
func (h *handshake) letReturn(o *opening) {
	if h.at == handshakeAnswered && o.asking == 0 {
		close(o.calls)
	}
}

// take lets the app answer, unless somebody has.
func (h *handshake) take() bool { return h.leaveOpen(handshakeTaken) }

// refuse lets the gateway answer, unless somebody has.
func (h *handshake) refuse() bool { return h.leaveOpen(handshakeRefused) }

func (h *handshake) leaveOpen(to handshakeState) bool {
	h.state.Lock()
	defer h.state.Unlock()
	first := h.at == handshakeOpen
	if first {
		h.at = to
	}
	if first && to == handshakeTaken {
		h.lent.showRoute()
	}
	return first
}

// done lets ServeHTTP return.
func (h *handshake) done() {
	h.state.Lock()
	defer h.state.Unlock()
	if h.at == handshakeAnswered {
		return
	}
	h.at = handshakeAnswered
	h.letReturn(h.opening)
	if h.answered != nil {
		close(h.answered)
	}
	if h.w, h.hooks = nil, nil; !h.held {
		h.opening = nil
	}
}

// whenAnswered returns what is closed when the handshake is answered, or nil if it is.
func (h *handshake) whenAnswered() <-chan struct{} {
	h.state.Lock()
	defer h.state.Unlock()
	if h.at == handshakeAnswered {
		return nil
	}
	if h.answered == nil {
		h.answered = make(chan struct{})
	}
	return h.answered
}

// appReturned is done, unless the gateway is answering still.
func (h *handshake) appReturned() {
	h.state.Lock()
	refused := h.at == handshakeRefused
	if h.at == handshakeTaken { // by a handler, which may be a router
		h.lent.showRoute()
	}
	h.state.Unlock()
	if !refused {
		h.done()
	}
}

// write runs what uses the writer, which others may have wrapped. However that
// ends, only this conversation ends with it: a panic goes on in ServeHTTP, to whom
// it concerns.
func (h *handshake) write(use func(w http.ResponseWriter)) (err error) {
	usercode.Call(func() error {
		use(h.w)
		return nil
	}, func(failed error) {
		h.fail(failed)
		err = failed
	})
	return err
}

// fail has ServeHTTP panic for code that did not return: whatever was answered is
// not whole.
func (h *handshake) fail(err error) {
	if err == nil {
		return
	}
	h.state.Lock()
	defer h.state.Unlock()
	if h.opening == nil {
		return // ServeHTTP has returned
	}
	var panicked *parley.PanicError
	if h.failure = http.ErrAbortHandler; errors.As(err, &panicked) {
		h.failure = panicked.Value
	}
}

// addHead sets headers that go out with the answer, and what is to be made of it.
func (h *handshake) addHead(header http.Header, hook headHook) {
	h.state.Lock()
	defer h.state.Unlock()
	if h.at == handshakeOpen {
		copyHeader(h.w.Header(), header)
		h.hooks = append(h.hooks, hook)
	}
}

// SetHead implements protocol.Heading.
func (h *handshake) SetHead(header http.Header) bool {
	h.state.Lock()
	defer h.state.Unlock()
	isOpen := h.at == handshakeOpen
	if isOpen {
		maps.Copy(h.w.Header(), header)
		if h.preset == nil {
			h.preset = make(http.Header)
		}
		maps.Copy(h.preset, header)
	}
	return isOpen
}

// takeHeader puts the app's head behind what the answer's has already, and in the place
// of what was set by SetHead.
func (h *handshake) takeHeader(into, own http.Header) {
	for name := range own {
		if name = textproto.CanonicalMIMEHeaderKey(name); len(h.preset[name]) > 0 {
			delete(into, name)
		}
	}
	copyHeader(into, own)
}

func copyHeader(into, from http.Header) {
	for name, values := range from {
		name = textproto.CanonicalMIMEHeaderKey(name)
		into[name] = append(into[name], values...)
	}
}

// head has the middleware above make of an answer what it would make of any, the
// innermost first. It returns what one has answered instead.
func (h *handshake) head(status int, header http.Header) (instead *parley.WebSocketDeny) {
	for i := len(h.hooks) - 1; i >= 0 && instead == nil; i-- {
		instead = h.hooks[i](status, header)
	}
	return instead
}
