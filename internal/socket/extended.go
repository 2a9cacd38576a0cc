package socket

import (
	"context"
	"io"
	"maps"
	"net/http"
	"sync/atomic"
)

// extended is what the context of a handshake of HTTP/2 (RFC 8441) carries, once it
// looks like any other: whoever asks is not to take another request for one.
type extended struct {
	body      io.ReadCloser // the stream's
	completed atomic.Bool   // Extend is answering it
}

type extendedKey struct{}

func extendedOf(r *http.Request) *extended {
	found, _ := r.Context().Value(extendedKey{}).(*extended)
	return found
}

// Extended reports whether r is a handshake of HTTP/2, as it came or as AsUpgrade has
// made it. The pseudo-header is nobody's to forge: HTTP/1 has no header of that name,
// and net/http refuses it in HTTP/2 where the extension is off.
func Extended(r *http.Request) bool {
	return onWire(r) || r.ProtoMajor == 2 && extendedOf(r) != nil
}

func onWire(r *http.Request) bool {
	if r.ProtoMajor != 2 || r.Method != http.MethodConnect {
		return false
	}
	protocol := r.Header[":protocol"]
	return len(protocol) == 1 && protocol[0] == "websocket"
}

// AsUpgrade returns a handshake of HTTP/2 as apps, routers and middleware know
// handshakes: a GET without a body that asks for an upgrade. On the wire it is a CONNECT
// with a pseudo-header. One that is that already stays as it is.
func AsUpgrade(r *http.Request) *http.Request {
	if !onWire(r) {
		return r
	}
	r = r.WithContext(context.WithValue(r.Context(), extendedKey{}, &extended{body: r.Body}))
	r.Method = http.MethodGet
	r.Body, r.ContentLength = http.NoBody, 0
	header := maps.Clone(r.Header)
	delete(header, ":protocol")
	header["Connection"], header["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	r.Header = header
	return r
}

// Completed reports whether a handshake that AsUpgrade has made is, or is just being,
// answered with a socket.
func Completed(r *http.Request) bool {
	handshake := extendedOf(r)
	return handshake != nil && handshake.completed.Load()
}
