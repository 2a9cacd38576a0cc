package server

import (
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/parleygo/parley/internal/protocol"
)

// pace bounds how long a client may leave a handler waiting for the next piece of a
// request's body. A ReadTimeout of net/http's would bound whole requests, and end
// streams.
func pace(next http.Handler, patience time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == http.NoBody || r.Method == http.MethodConnect {
			next.ServeHTTP(w, r) // a tunnel's body may rest
			return
		}
		protocol.ShareTrailers(r)
		paced := *r // net/http looks at the body of its own
		paced.Body = &pacedBody{
			ReadCloser: r.Body, control: http.NewResponseController(w), patience: patience,
		}
		defer func() { r.MultipartForm = paced.MultipartForm }() // whose files net/http removes
		next.ServeHTTP(w, &paced)
	})
}

// pacedBody is a body that comes in time, or not at all.
type pacedBody struct {
	io.ReadCloser
	control  *http.ResponseController
	patience time.Duration

	mu      sync.Mutex
	timer   *time.Timer
	reading bool
	late    bool
}

// SameAs implements protocol.SameBody.
func (b *pacedBody) SameAs() io.ReadCloser { return b.ReadCloser }

var _ protocol.SameBody = (*pacedBody)(nil)

func (b *pacedBody) Read(p []byte) (int, error) {
	b.begin()
	n, err := b.ReadCloser.Read(p)
	b.end(err)
	return n, err
}

func (b *pacedBody) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = true
	if b.timer == nil {
		b.timer = time.AfterFunc(b.patience, b.interrupt)
	} else {
		b.timer.Reset(b.patience)
	}
}

// interrupt ends the read that waits, by a deadline that has passed. It stays, so that
// net/http does not wait for the rest either.
func (b *pacedBody) interrupt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reading {
		b.late = true
		b.control.SetReadDeadline(time.Unix(1, 0))
	}
}

// end takes the deadline back from a read that was faster by a hair.
func (b *pacedBody) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = false
	b.timer.Stop()
	if b.late && (err == nil || err == io.EOF) {
		b.late = false
		b.control.SetReadDeadline(time.Time{})
	}
}
