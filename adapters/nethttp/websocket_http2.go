package nethttp

import (
	"net/http"

	"github.com/parleygo/parley/internal/socket"
	"github.com/parleygo/parley/internal/wiring"
)

// ExtendedConnect stands in front of a router or of a whole program that has sockets,
// and turns their handshakes over HTTP/2 (RFC 8441) into what routers know: on the wire
// they are a CONNECT, which no route for GET would see. A Gateway does it by itself for
// what is below it, and package server in front of everything.
//
//	server := http.Server{Handler: nethttp.ExtendedConnect(mux)}
//
// net/http lets such handshakes in where the process runs with GODEBUG=http2xconnect=1.
// Without it browsers open their sockets over HTTP/1.1. A handler that knows nothing of
// sockets and answers the handshake as the GET that it looks like has its 2xx replaced
// by 405, since over HTTP/2 that would open the socket.
func ExtendedConnect(next http.Handler) http.Handler {
	wiring.Need("nethttp: ExtendedConnect", "handler", next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asUpgrade(w, r, next.ServeHTTP)
	})
}

// asUpgrade serves a handshake of HTTP/2 as handshakes are known, with a writer that
// lets nobody complete it by accident. Other requests stay as they are.
func asUpgrade(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
	upgrade := socket.AsUpgrade(r)
	if upgrade == r {
		serve(w, r)
		return
	}
	guard := &connectWriter{ResponseWriter: w, r: upgrade}
	serve(guard, upgrade)
	guard.settle()
}

// connectWriter answers a handshake over HTTP/2, where any 2xx opens the socket: only
// the gateway may say it.
type connectWriter struct {
	http.ResponseWriter
	r       *http.Request
	written bool // the head is
	refused bool // in place of what the handler writes
}

// WriteHeader passes a status on, unless it would open a socket that nobody serves.
func (w *connectWriter) WriteHeader(status int) {
	if w.written {
		return
	}
	w.written = status >= http.StatusOK
	if status/100 != 2 || socket.Completed(w.r) {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.refused = true
	w.Header()["Allow"] = []string{http.MethodGet}
	answer(w.ResponseWriter, http.StatusMethodNotAllowed)
}

func (w *connectWriter) Write(p []byte) (int, error) {
	w.imply()
	if w.refused {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// Flush sends what is written. A head that is implied goes out with it.
func (w *connectWriter) Flush() {
	w.FlushError()
}

// FlushError is Flush for http.ResponseController.
func (w *connectWriter) FlushError() error {
	w.imply()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// CloseNotify is for gin, which asks for it without looking.
func (w *connectWriter) CloseNotify() <-chan bool {
	notifier, ok := innermost(w.ResponseWriter).(interface{ CloseNotify() <-chan bool })
	if !ok {
		return nil
	}
	return notifier.CloseNotify()
}

// Written reports whether the head is.
func (w *connectWriter) Written() bool { return w.written }

// Unwrap is for http.ResponseController.
func (w *connectWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// settle answers where the handler has returned without a word, which net/http takes
// for 200.
func (w *connectWriter) settle() {
	if !socket.Completed(w.r) {
		w.imply()
	}
}

// imply writes the head that nobody has.
func (w *connectWriter) imply() {
	if !w.written {
		w.WriteHeader(http.StatusOK)
	}
}

// pump stays for as long as a socket over HTTP/2 lives, on the goroutine of its
// request: the stream is given up when that returns.
func (c *webSocketConn) pump() {
	c.mu.Lock()
	sock := c.open.Load()
	c.mu.Unlock()
	if sock != nil {
		sock.Serve()
	}
}
