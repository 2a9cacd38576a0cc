package middleware

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
)

// logWriter counts what is written. It has no optional interface itself:
// likeServers adds those of the server's writer, which is one of two kinds.
type logWriter struct {
	http.ResponseWriter
	request *http.Request
	access  Access
}

// Unwrap is for http.ResponseController.
func (w *logWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *logWriter) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.begin(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *logWriter) begin(status int) {
	if w.access.Status == 0 {
		w.access.Status, w.access.Route = status, w.request.Pattern
	}
}

func (w *logWriter) Write(p []byte) (int, error) {
	w.begin(http.StatusOK)
	n, err := w.ResponseWriter.Write(p)
	w.access.BytesOut += int64(n)
	return n, err
}

// WriteString spares io.WriteString a copy, where the server's writer does.
func (w *logWriter) WriteString(s string) (int, error) {
	w.begin(http.StatusOK)
	n, err := io.WriteString(w.ResponseWriter, s)
	w.access.BytesOut += int64(n)
	return n, err
}

func (w *logWriter) flush() error {
	err := http.NewResponseController(w.ResponseWriter).Flush()
	if !errors.Is(err, http.ErrNotSupported) {
		w.begin(http.StatusOK)
	}
	return err
}

func (w *logWriter) hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.begin(http.StatusSwitchingProtocols)
	}
	return conn, buffered, err
}

// closeNotify is for gin, whose Stream asks for it without looking.
func (w *logWriter) closeNotify() <-chan bool {
	if notifier, ok := find[interface{ CloseNotify() <-chan bool }](w.ResponseWriter); ok {
		return notifier.CloseNotify()
	}
	gone := make(chan bool, 1)
	context.AfterFunc(w.request.Context(), func() { gone <- true })
	return gone
}

// find returns the first of w and the writers in it that has the abilities of T.
func find[T any](w http.ResponseWriter) (found T, ok bool) {
	for w != nil {
		if found, ok = w.(T); ok {
			return found, true
		}
		wrapper, wraps := w.(interface{ Unwrap() http.ResponseWriter })
		if !wraps {
			break
		}
		w = wrapper.Unwrap()
	}
	return found, false
}

type (
	writer1 interface { // of HTTP/1
		http.Flusher
		http.Hijacker
		io.ReaderFrom
	}
	writer2 interface { // of HTTP/2
		http.Flusher
		http.Pusher
	}
	logWriter1 struct{ hijacker }
	logWriter2 struct{ flusher }

	// Around another wrapper they are one of these.
	flusher  struct{ *logWriter }
	hijacker struct{ flusher }
)

func (w *logWriter) likeServers() http.ResponseWriter {
	switch w.ResponseWriter.(type) {
	case writer1:
		return logWriter1{hijacker{flusher{w}}}
	case writer2:
		return logWriter2{flusher{w}}
	}
	_, flushes := find[http.Flusher](w.ResponseWriter)
	_, hijacks := find[http.Hijacker](w.ResponseWriter)
	switch {
	case flushes && hijacks:
		return hijacker{flusher{w}}
	case flushes:
		return flusher{w}
	}
	return w
}

// Flush is the server's.
func (w flusher) Flush() { _ = w.flush() }

// FlushError is what http.ResponseController asks for before Flush, which would hide that
// the client is gone.
func (w flusher) FlushError() error { return w.flush() }

// CloseNotify is the server's.
func (w flusher) CloseNotify() <-chan bool { return w.closeNotify() }

// Hijack is the server's.
func (w hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }

// ReadFrom is the server's, which may have the system copy a file (sendfile).
func (w logWriter1) ReadFrom(r io.Reader) (int64, error) {
	w.begin(http.StatusOK)
	n, err := w.ResponseWriter.(io.ReaderFrom).ReadFrom(r)
	w.access.BytesOut += n
	return n, err
}

// Push is the server's.
func (w logWriter2) Push(target string, opts *http.PushOptions) error {
	return w.ResponseWriter.(http.Pusher).Push(target, opts)
}
