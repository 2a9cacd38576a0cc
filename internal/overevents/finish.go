package overevents

import (
	"context"
	"fmt"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// Retire takes the writer away from the handler: from here on only Finish may
// use it.
func (w *Writer) Retire() {
	w.returned.Store(true)
	w.notify.end()
}

// Finish completes the answer of a handler that has returned. Its error says
// why the answer is not complete.
func (w *Writer) Finish() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.tunnel != nil:
		return w.tunnel.wait()
	case w.hijacked:
		return nil
	}
	if w.status == 0 {
		if err := w.silence(); err != nil {
			return err
		}
		w.writeHeader(http.StatusOK)
	}
	if err := w.lost(); err != nil {
		return err
	}
	if w.length > w.taken && bodyAllowed(w.status) && !w.headOnly {
		return w.breakOff()
	}
	if err := w.sendBody(false); err != nil {
		return err
	}
	return w.sendTrailers()
}

// silence is why a handler that has said nothing does not mean 200: its context has
// ended, for a reason that an answer stands for.
func (w *Writer) silence() error {
	cause := context.Cause(w.ctx)
	if cause == nil || protocol.Status(cause) == http.StatusInternalServerError {
		return nil
	}
	return cause
}

// breakOff leaves a body that is too short without its end, so that no conn on
// the way takes it for whole.
func (w *Writer) breakOff() error {
	if err := w.sendPart(w.take()); err != nil {
		return err
	}
	return fmt.Errorf(
		"parley: handler wrote %d of %d bytes: %w", w.taken, w.length, parley.ErrShortBody)
}

// Release gives the buffer back. It is called last, also after a panic.
func (w *Writer) Release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tunnel != nil {
		w.tunnel.abandon()
	}
	if w.storage != nil {
		buffers.Put(w.storage)
		w.storage, w.buffer = nil, nil
	}
}
