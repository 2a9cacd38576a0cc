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
func (h *Handover) outcome() (err error, taken bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err, h.taken
}

// unused reports whether the handler has not answered.
func (w *Writer) unused() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status == 0 && !w.returned.Load()
}

// refuseUpgrade tells of a handler that upgrades by itself where it cannot.
func (w *Writer) refuseUpgrade() error {
	if w.scope.Protocol == parley.WebSocket {
		conn := w.conn
		if d, ok := conn.(*denial); ok {
			conn = d.Conn
		}
		w.logf("parley: a handler that upgrades to WebSocket by itself runs below middleware that wraps "+
			"the conversation (%T): put it outside of that, or make it an app of parley's", conn)
	}
	return unsupported("hijacking")
}
