package protocol_test

import (
	"net/http"
	"testing"

	"golang.org/x/net/http/httpguts"

	"github.com/parleygo/parley/internal/protocol"
)

// TestHeadersAsInNetHTTP: of every byte there is, in a name and in a value, we think
// as net/http does.
func TestHeadersAsInNetHTTP(t *testing.T) {
	for c := range 256 {
		for _, text := range []string{string([]byte{byte(c)}), "a" + string([]byte{byte(c)}) + "z"} {
			got := protocol.ValidHeader(http.Header{text: {"v"}})
			if want := httpguts.ValidHeaderFieldName(text); got != want {
				t.Errorf("name %q: %v, want %v", text, got, want)
			}
			got = protocol.ValidHeader(http.Header{"X-A": {"fine", text}})
			if want := httpguts.ValidHeaderFieldValue(text); got != want {
				t.Errorf("value %q: %v, want %v", text, got, want)
			}
		}
	}
	if protocol.ValidHeader(http.Header{"": {"v"}}) || !protocol.ValidHeader(http.Header{"X-A": {""}}) {
		t.Error("an empty name or an empty value")
	}
}

// TestCanonicalNames: as in net/http.
func TestCanonicalNames(t *testing.T) {
	for _, name := range []string{
		"Content-Type", "content-type", "CONTENT-TYPE", "ETag", "Etag", "WWW-Authenticate", "Te", "tE",
		"X", "x", "X-", "-x", "-X", "X--y", "X--Y", "X-1a", "X-1A", "1x", "1X", "X_y", "X_Y", "x-!a", "É", "", "-", "a b", "x:y",
	} {
		if got, want := protocol.CanonicalName(name), http.CanonicalHeaderKey(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}
