package overevents

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/parleygo/parley"
)

// WriteHeader fixes status and headers. The first final status counts.
func (w *Writer) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.returned.Load():
	case w.hijacked:
		w.logf("http: response.WriteHeader on hijacked connection from %s", handlerFrame())
	case w.status != 0:
		w.logf("http: superfluous response.WriteHeader call from %s", handlerFrame())
	default:
		w.writeHeader(status)
	}
}

func (w *Writer) writeHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", status))
	}
	if status < 200 && (status != http.StatusSwitchingProtocols || !w.switches()) {
		w.inform(status)
		return
	}
	w.status = status
	w.snapshot = w.header.Clone()
	if given := w.snapshot.Get("Content-Length"); given != "" {
		length, err := strconv.ParseInt(given, 10, 64)
		if err != nil || length < 0 {
			w.logf("http: invalid Content-Length of %q", given)
			return
		}
		w.most = length
		if !isEncoded(w.snapshot) {
			w.length = length // as in net/http an encoding wins
		}
	}
}

// switches reports whether a 101 answer may be followed by another protocol.
func (w *Writer) switches() bool { return w.server != nil || w.scope.Protocol == parley.WebSocket }

// inform sends an informational answer. Only early hints have an event: all others
// are the server's, and go nowhere without one. A hint that fails is no loss, the
// answer itself will tell.
func (w *Writer) inform(status int) {
	links := w.header["Link"]
	hints := status == http.StatusEarlyHints && len(links) > 0 && w.supports(parley.ExtensionEarlyHint)
	switch {
	case w.serves() && !(hints && len(w.header) == 1):
		w.server.Inform(status, w.header)
	case hints:
		tidied := make([]string, len(links))
		for i, link := range links {
			tidied[i] = tidyValue(link)
		}
		_ = w.conn.Send(w.sendContext(), parley.HTTPResponseEarlyHint{Links: tidied})
	}
}

// supports tells whether the conn takes the events of ext. None of HTTP's
// extensions is of use to a denial.
func (w *Writer) supports(ext parley.Extension) bool {
	return w.scope.Protocol == parley.HTTP && w.scope.Supports(ext)
}

// start sends the head, once. first is the beginning of the body, all of it if
// the handler has finished.
func (w *Writer) start(first []byte, finished bool) {
	if w.started {
		return
	}
	w.started = true
	header := w.snapshot
	encoding := header.Get("Transfer-Encoding")
	if w.server == nil {
		header.Del("Transfer-Encoding") // a conn's framing is its own business
	}
	if bodyAllowed(w.status) {
		trailers := w.takeTrailers(finished)
		if w.server == nil {
			w.describe(header, first, encoding != "")
		}
		w.measure(header, len(first), finished && !trailers, encoding)
	} else {
		header.Del("Content-Length")
		if w.status == http.StatusNotModified {
			header.Del("Content-Type")
		}
	}
	w.returnHeader(header)
	tidy(header)
	w.send(parley.HTTPResponseStart{Status: w.status, Header: header, Trailers: w.announced})
}

// describe fills in the Content-Type. A nil value is how a handler declines.
func (w *Writer) describe(header http.Header, first []byte, encoded bool) {
	_, given := header["Content-Type"]
	if !given && !encoded && header.Get("Content-Encoding") == "" && len(first) > 0 {
		header["Content-Type"] = []string{http.DetectContentType(first)}
	}
}

// measure settles the Content-Length: the handler's, or size if that is known to
// be the whole body, and there is no server to find it. A nil value is how a handler
// declines, here too. On HEAD nothing written may just mean that the handler knew
// better than to write.
func (w *Writer) measure(header http.Header, size int, whole bool, encoding string) {
	values, given := header["Content-Length"]
	switch {
	case w.length >= 0:
		values[0] = strings.TrimLeft(values[0], "+-") // ParseInt takes signs, the protocol does not
		header["Content-Length"] = values[:1]
	case w.server == nil && whole && !given && encoding == "" && (size > 0 || !w.headOnly):
		w.length = int64(size)
		header["Content-Length"] = []string{strconv.Itoa(size)}
	}
	if w.length < 0 && len(values) > 0 {
		delete(header, "Content-Length")
	}
}

// isEncoded reports whether a handler has chosen a transfer coding.
func isEncoded(header http.Header) bool {
	encoding := header.Get("Transfer-Encoding")
	return encoding != "" && encoding != "identity"
}

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
