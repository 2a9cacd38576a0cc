package overevents

import (
	"context"
	"net/http"
	"sync"

	"github.com/parleygo/parley"
)

// Handover is a WebSocket conversation that a handler has been given as a request,
// for a gateway below the handler: its app can have the conversation itself, where the
// handler could only deny it.
type Handover struct {
	Context context.Context // the conversation's
	Scope   *parley.Scope
	Conn    parley.Conn // whose connect was received
	Foreign bool        // its page is of another site, and nobody has let it in

	w *Writer

	mu    sync.Mutex
	taken bool
	err   error // what the app that has taken it returned
}

type handoverKey struct{}

// HandoverOf returns the conversation that a request stands for, or nil.
func HandoverOf(r *http.Request) *Handover {
	handover, _ := r.Context().Value(handoverKey{}).(*Handover)
	return handover
}

// Take takes the conversation away from the handler, whose writer is out of use then.
// It reports whether that was possible: nobody has answered.
func (h *Handover) Take() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.taken || !h.w.unused() {
		return false
	}
	h.taken = true
	h.err = parley.ErrGoexit // unless Return is called
	h.w.Retire()
	return true
}

// Return gives the conversation back with what its app returned.
func (h *Handover) Return(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = err
}

// outcome is what became of the conversation, if it was taken.
func (h *Handover) outcome() (taken bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.taken, h.err
}

// unused reports whether the handler has not answered.
func (w *Writer) unused() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status == 0 && !w.hijacked && !w.returned.Load()
}
