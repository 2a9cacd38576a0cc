package protocol

import (
	"io"
	"net/http"
	"slices"
	"strings"
)

// WantsTrailers reports whether the request says "TE: trailers". A client that
// does not say so may not be sent trailers.
func WantsTrailers(header http.Header) bool {
	for value := range list(header["Te"]) {
		if strings.EqualFold(value, "trailers") {
			return true
		}
	}
	return false
}

// ShareTrailers has r share its trailers with the copies that are going to be made of it.
// net/http fills them in where the body ends, in its own request only, and where the
// client has declared none it makes the map no earlier. In HTTP/2 it drops those that
// were not declared.
func ShareTrailers(r *http.Request) {
	if r.Trailer == nil && r.ContentLength < 0 && r.ProtoMajor == 1 {
		r.Trailer = make(http.Header)
	}
}

// SameBody is a request's body that another has, byte for byte: a wrapper that watches it.
type SameBody interface {
	io.ReadCloser
	// SameAs returns the other.
	SameAs() io.ReadCloser
}

// RemoveFiles removes the temporary files of a form that was parsed. net/http does so for
// a request of its own; of a copy it does not know. There is nobody to tell of a failure.
func RemoveFiles(r *http.Request) {
	if r.MultipartForm != nil {
		_ = r.MultipartForm.RemoveAll()
	}
}

// Where clients without a socket, who come to package fallback, offer subprotocols: in a
// header, or in the query where they can set none.
const (
	OfferHeader = "Parley-Protocols"
	OfferParam  = "protocols"
)

// Offer returns what a client without a socket offers, as Subprotocols does. A page
// can't set Sec-WebSocket-Protocol, nor any header of an EventSource.
func Offer(r *http.Request) []string {
	lines := slices.Concat(r.Header[OfferHeader], r.URL.Query()[OfferParam])
	return Subprotocols(http.Header{"Sec-Websocket-Protocol": lines})
}

// Subprotocols returns what a handshake offers, in its order, however many
// header lines it is spread over.
func Subprotocols(header http.Header) []string {
	var offered []string
	for value := range list(header["Sec-Websocket-Protocol"]) {
		offered = append(offered, value)
	}
	return offered
}

// list goes through the elements of a comma-separated header.
func list(lines []string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for value := range strings.SplitSeq(line, ",") {
				if value = strings.TrimSpace(value); value != "" && !yield(value) {
					return
				}
			}
		}
	}
}
