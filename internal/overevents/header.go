package overevents

import (
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/parleygo/parley/internal/protocol"
)

// borrowHeader shows the handler what was set above the conversation, as net/http's
// own writer would.
func (w *Writer) borrowHeader(header http.Header) {
	if len(header) > 0 {
		w.borrowed = header.Clone()
		maps.Copy(w.header, header.Clone())
	}
}

// returnHeader takes out of a head what was borrowed, since it is there already. What
// the handler has taken away is a field without values: it does not go out.
func (w *Writer) returnHeader(header http.Header) {
	for name, before := range w.borrowed {
		switch values, kept := header[name]; {
		case !kept:
			header[name] = nil
		case slices.Equal(values, before):
			delete(header, name)
		case len(values) > len(before) && slices.Equal(values[:len(before)], before) && isList(name):
			header[name] = values[len(before):]
		}
	}
}

// isList reports whether a field of a head is added to what is there already.
func isList(name string) bool { return name == "Set-Cookie" || name == "Vary" }

// tidy does to a header what net/http does when it writes one, so that a
// handler which relies on it is not refused: names that are no names are
// dropped, values cannot end their line.
func tidy(header http.Header) {
	valid := protocol.ValidHeader(header) // nearly always: spare the names a closer look
	for name, values := range header {
		if !valid && !protocol.ValidHeader(http.Header{name: nil}) || isSecondLength(name) {
			delete(header, name)
			continue
		}
		for i, value := range values {
			values[i] = tidyValue(value)
		}
	}
}

// isSecondLength finds a Content-Length spelled so that http.Header does not
// see it. net/http's server does not mean it either, but a client might.
func isSecondLength(name string) bool {
	const canonical = "Content-Length"
	return len(name) == len(canonical) && name != canonical && strings.EqualFold(name, canonical)
}

// tidyValue replaces line breaks, and the other control characters that HTTP
// forbids, with spaces.
func tidyValue(value string) string {
	if strings.IndexFunc(value, isControl) >= 0 {
		clean := []byte(value)
		for i, c := range clean {
			if isControl(rune(c)) {
				clean[i] = ' '
			}
		}
		value = string(clean)
	}
	return textproto.TrimString(value)
}

func isControl(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }
