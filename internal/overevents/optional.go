package overevents

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// These methods are here because callers assert them without asking, as gin
// does, or to give http.ResponseController its answer. There is no net.Conn
// behind events.

// Hijack is not supported.
func (w *Writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, unsupported("hijacking")
}

// Push is not supported.
func (w *Writer) Push(string, *http.PushOptions) error { return http.ErrNotSupported }

// SetReadDeadline is not supported.
func (w *Writer) SetReadDeadline(time.Time) error { return unsupported("a read deadline") }

// SetWriteDeadline is not supported.
func (w *Writer) SetWriteDeadline(time.Time) error { return unsupported("a write deadline") }

// EnableFullDuplex is not supported: whether reading and writing may interleave
// is up to the conn.
func (w *Writer) EnableFullDuplex() error { return unsupported("full duplex") }

func unsupported(what string) error {
	return fmt.Errorf("parley: %s over events: %w", what, http.ErrNotSupported)
}

// CloseNotify returns a channel that is closed when the conversation ends or the
// handler has returned.
func (w *Writer) CloseNotify() <-chan bool { return w.notify.channel(w.ctx) }

// closeNotifier makes the channel of CloseNotify when somebody asks for it.
type closeNotifier struct {
	mu    sync.Mutex
	ch    chan bool
	stop  func() bool // leaves the closing to end
	ended bool
}

func (n *closeNotifier) channel(ctx context.Context) <-chan bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch != nil {
		return n.ch
	}
	ch := make(chan bool)
	n.ch = ch
	if n.ended {
		close(ch)
	} else {
		n.stop = context.AfterFunc(ctx, func() { close(ch) })
	}
	return ch
}

// end closes the channel unless ctx has done so.
func (n *closeNotifier) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = true
	if n.stop != nil && n.stop() {
		close(n.ch)
	}
}
