package middleware

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// AccessLogHandler is AccessLog for HTTP requests, to be put around a gateway
// instead of inside it:
//
//	handler := middleware.AccessLogHandler(options)(nethttp.Handler(app))
//
// What runs natively below stays native: the ResponseWriter handed on can do what
// the server's own can (Flusher, Hijacker, ReaderFrom, Pusher, CloseNotifier, and the
// rest by http.ResponseController). It stands outside of TrustedProxies, and so shows the
// peer's address.
//
// What it leaves out is decided by what the server does, not by what the client
// says: a socket that an AccessLog below records, with SocketsOnly, as one that was
// denied is. Without such a one a socket is recorded when ServeHTTP returns, with
// status 101, which a Gateway does right after the upgrade.
func AccessLogHandler(options AccessLogOptions) func(http.Handler) http.Handler {
	record := options.record()
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			serveLogged(next, record, w, r)
		})
	}
}

func serveLogged(
	next http.Handler, record func(context.Context, *Access),
	w http.ResponseWriter, r *http.Request,
) {
	seen := new(findings)
	scope := &parley.Scope{Protocol: parley.HTTP, Request: r}
	r = r.WithContext(context.WithValue(r.Context(), findingsKey{}, seen))
	if r.MultipartForm == nil {
		defer protocol.RemoveFiles(r)
	}
	lw := &logWriter{ResponseWriter: w, request: r, access: newAccess(r.Context(), scope)}
	err := errNotReturned // unless ServeHTTP returns
	defer func() {
		access := &lw.access
		if seen.isTaken() {
			return
		}
		if seen.complete(access); access.Cause == nil {
			access.Cause = err
		}
		access.Duration = time.Since(access.Start)
		if access.Status == 0 && err == nil {
			access.Status = http.StatusOK // net/http answers for a handler that wrote nothing
		}
		if access.Status == http.StatusSwitchingProtocols {
			access.Protocol = parley.WebSocket
		}
		access.BytesIn = max(0, r.ContentLength)
		record(r.Context(), access)
	}()
	next.ServeHTTP(lw.likeServers(), r)
	err = nil
}

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

func (w *logWriter) flushError() error {
	w.begin(http.StatusOK)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// closeNotify is for gin, whose Stream asks for it without looking.
func (w *logWriter) closeNotify() <-chan bool {
	notifier, ok := w.ResponseWriter.(interface{ CloseNotify() <-chan bool })
	if !ok {
		return nil
	}
	return notifier.CloseNotify()
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
	logWriter1 struct{ *logWriter }
	logWriter2 struct{ *logWriter }
)

func (w *logWriter) likeServers() http.ResponseWriter {
	switch w.ResponseWriter.(type) {
	case writer1:
		return logWriter1{w}
	case writer2:
		return logWriter2{w}
	}
	return w
}

func (w *logWriter) flush() {
	w.begin(http.StatusOK)
	w.ResponseWriter.(http.Flusher).Flush()
}

// Flush is the server's.
func (w logWriter1) Flush() { w.flush() }

// FlushError is what http.ResponseController asks for before Flush, which would hide that
// the client is gone.
func (w logWriter1) FlushError() error { return w.flushError() }

// FlushError is as that of HTTP/1.
func (w logWriter2) FlushError() error { return w.flushError() }

// CloseNotify is the server's.
func (w logWriter1) CloseNotify() <-chan bool { return w.closeNotify() }

// CloseNotify is the server's.
func (w logWriter2) CloseNotify() <-chan bool { return w.closeNotify() }

// Hijack is the server's.
func (w logWriter1) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.begin(http.StatusSwitchingProtocols)
	return w.ResponseWriter.(http.Hijacker).Hijack()
}

// ReadFrom is the server's, which may have the system copy a file (sendfile).
func (w logWriter1) ReadFrom(r io.Reader) (int64, error) {
	w.begin(http.StatusOK)
	n, err := w.ResponseWriter.(io.ReaderFrom).ReadFrom(r)
	w.access.BytesOut += n
	return n, err
}

// Flush is the server's.
func (w logWriter2) Flush() { w.flush() }

// Push is the server's.
func (w logWriter2) Push(target string, opts *http.PushOptions) error {
	return w.ResponseWriter.(http.Pusher).Push(target, opts)
}
