package nethttp

import (
	"fmt"
	"net/http"

	"github.com/parleygo/parley"
)

// retire takes the writer away from the handler: from here on only finish may
// use it.
func (w *eventWriter) retire() {
	w.returned.Store(true)
	w.notify.end()
}

// finish completes the answer of a handler that has returned. Its error says
// why the answer is not complete.
func (w *eventWriter) finish() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.status == 0 {
		w.writeHeader(http.StatusOK)
	}
	if err := w.lost(); err != nil {
		return err
	}
	if w.length > w.written && bodyAllowed(w.status) && !w.headOnly {
		return w.breakOff()
	}
	if err := w.sendBody(false); err != nil {
		return err
	}
	return w.sendTrailers()
}

// breakOff leaves a body that is too short without its end, so that no conn on
// the way takes it for whole.
func (w *eventWriter) breakOff() error {
	if err := w.sendBody(true); err != nil {
		return err
	}
	return fmt.Errorf("nethttp: handler wrote %d of %d bytes: %w", w.written, w.length, parley.ErrShortBody)
}

// release gives the buffer back. It is called last, also after a panic.
func (w *eventWriter) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.storage != nil {
		buffers.Put(w.storage)
		w.storage, w.buffer = nil, nil
	}
}
