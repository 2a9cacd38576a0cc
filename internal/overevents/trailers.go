package overevents

import (
	"net/http"
	"slices"
	"strings"

	"github.com/parleygo/parley"
)

// takeTrailers finds out what the handler has said about trailers when the head
// goes out, and decides whether the head announces some. While the handler is at
// work it always does: http.TrailerPrefix is for names not known before. Those that
// come behind a whole body net/http forgets, and events do not.
func (w *Writer) takeTrailers(finished bool) (wanted bool) {
	w.prefixed = hasTrailers(w.snapshot)
	for name := range w.snapshot {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			delete(w.snapshot, name)
		}
	}
	if w.server == nil && !w.supports(parley.ExtensionTrailers) {
		delete(w.snapshot, "Trailer")
		return false
	}
	w.declared = declaredTrailers(w.snapshot["Trailer"])
	if w.server != nil {
		w.announced = true // whether they go out is for the server to say
		return false
	}
	wanted = len(w.declared) > 0 || hasTrailers(w.header)
	w.announced = !w.headOnly && w.length < 0 && (wanted || !finished)
	return wanted
}

// sendTrailers sends the trailers if the head has announced them.
func (w *Writer) sendTrailers() error {
	if !w.announced {
		return nil
	}
	trailers := make(http.Header)
	for name, values := range w.header {
		if name, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			trailers[name] = slices.Clone(values)
		}
	}
	for _, name := range w.declared {
		if values := w.header[name]; len(values) > 0 {
			trailers[name] = append(trailers[name], values...)
		}
	}
	tidy(trailers)
	return w.send(parley.HTTPResponseTrailers{Header: trailers})
}

// declaredTrailers returns the names in the lines of a Trailer header.
func declaredTrailers(lines []string) (names []string) {
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			if name != "" && trailerAllowed(name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func hasTrailers(header http.Header) bool {
	for name := range header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// trailerAllowed keeps what a client needs before the body out of the trailers
// (RFC 9110, section 6.5.1). The names are net/http's.
func trailerAllowed(name string) bool {
	switch name {
	case "Authorization", "Cache-Control", "Connection", "Content-Encoding", "Content-Length",
		"Content-Range", "Content-Type", "Expect", "Host", "Keep-Alive", "Max-Forwards", "Pragma",
		"Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Range", "Realm", "Te",
		"Trailer", "Transfer-Encoding", "Www-Authenticate":
		return false
	}
	return !strings.HasPrefix(name, "If-")
}
