package nethttp

import (
	"errors"
	"net/http"
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
	w        http.ResponseWriter
	answered chan struct{} // closed with the last state
	hooks    []headHook    // of middleware above, outermost first
	extended bool          // over HTTP/2

	state   sync.Mutex // guards what follows, and w while the handshake is open
	at      handshakeState
	failure any // what ServeHTTP is to panic with
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
	return first
}

// done lets ServeHTTP return.
func (h *handshake) done() {
	h.state.Lock()
	defer h.state.Unlock()
	if h.at != handshakeAnswered {
		h.at = handshakeAnswered
		h.w, h.hooks = nil, nil // they hold net/http's buffers: 8 KiB
		close(h.answered)
	}
}

// appReturned is done, unless the gateway is answering still.
func (h *handshake) appReturned() {
	h.state.Lock()
	refused := h.at == handshakeRefused
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

// head has the middleware above make of an answer what it would make of any, the
// innermost first. It returns what one has answered instead.
func (h *handshake) head(status int, header http.Header) (instead *parley.WebSocketDeny) {
	for i := len(h.hooks) - 1; i >= 0 && instead == nil; i-- {
		instead = h.hooks[i](status, header)
	}
	return instead
}
