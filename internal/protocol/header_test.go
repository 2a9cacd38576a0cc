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
