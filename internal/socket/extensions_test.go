package socket

import (
	"strings"
	"testing"
)

// RFC 6455, section 9.1; RFC 7692, section 7.1.
func TestOffers(t *testing.T) {
	const (
		met = iota
		declined
		malformed
	)
	for offer, want := range map[string]int{
		"permessage-deflate":                                                         met,
		"permessage-deflate; client_max_window_bits":                                 met,
		"permessage-deflate; client_max_window_bits=15":                              met,
		"permessage-deflate; client_max_window_bits=8":                               met,
		"permessage-deflate; client_max_window_bits=\"10\"":                          met,
		"permessage-deflate; client_max_window_bits=\"1\\0\"":                        met,
		"permessage-deflate; client_max_window_bits = 10":                            met,
		" permessage-deflate ;client_no_context_takeover ":                           met,
		"permessage-deflate; server_no_context_takeover; client_no_context_takeover": met,
		"permessage-deflate; server_max_window_bits=10, permessage-deflate":          met,
		"foo, permessage-deflate":                                                    met,
		"foo; a=\"b\"; c=d,, permessage-deflate,":                                    met,
		"permessage-deflate; server_max_window_bits=10":                              declined,
		"permessage-deflate; server_max_window_bits=15":                              declined,
		"permessage-deflate; server_max_window_bits":                                 declined,
		"permessage-deflate; client_max_window_bits=7":                               declined,
		"permessage-deflate; client_max_window_bits=16":                              declined,
		"permessage-deflate; client_max_window_bits=08":                              declined,
		"permessage-deflate; client_max_window_bits=+9":                              declined,
		"permessage-deflate; client_max_window_bits=ten":                             declined,
		"permessage-deflate; client_max_window_bits; client_max_window_bits=10":      declined,
		"permessage-deflate; server_no_context_takeover=1":                           declined,
		"permessage-deflate; server_no_context_takeover; server_no_context_takeover": declined,
		"permessage-deflate; unknown":                                                declined,
		"Permessage-Deflate":                                                         declined,
		"x-webkit-deflate-frame":                                                     declined,
		"foo; a=permessage-deflate":                                                  declined,
		"":                                                                           declined,
		",":                                                                          declined,
		"permessage-deflate; client_max_window_bits=":                                malformed,
		"permessage-deflate;":                                                        malformed,
		"permessage-deflate;; client_no_context_takeover":                            malformed,
		"permessage-deflate client_no_context_takeover":                              malformed,
		"permessage-deflate; =1":                                                     malformed,
		"permessage-deflate; a=\"b":                                                  malformed,
		"permessage-deflate; a=\"b\\":                                                malformed,
		"permessage-deflate; a=\"\"":                                                 malformed,
		"foo; a=\"b, permessage-deflate\"":                                           malformed,
		"foo; a=\"b\"c, permessage-deflate":                                          malformed,
		"; a":                                                                        malformed,
		"permessage-deflate, {}":                                                     malformed,
		"permessage/deflate":                                                         malformed,
	} {
		offers, ok := parseExtensions(strings.Split(offer, "|"))
		got := declined
		if !ok {
			got = malformed
		} else if acceptsDeflate(offers) {
			got = met
		}
		if got != want {
			t.Errorf("%q: %d, want %d", offer, got, want)
		}
	}
	if offers, ok := parseExtensions([]string{"foo", "permessage-deflate"}); !ok ||
		!acceptsDeflate(offers) {
		t.Error("the second line was not read")
	}
}

func FuzzExtensions(f *testing.F) {
	f.Add("permessage-deflate; client_max_window_bits=\"1\\0\", foo;a=b")
	f.Fuzz(func(t *testing.T, line string) {
		offers, ok := parseExtensions([]string{line})
		again := make([]string, 0, len(offers))
		for _, e := range offers {
			text := e.name
			for _, p := range e.params {
				if text += ";" + p.name; p.hasValue {
					text += "=" + p.value
				}
			}
			again = append(again, text)
		}
		if same, sameOK := parseExtensions(again); ok && (!sameOK || len(same) != len(offers)) {
			t.Errorf("%q was read as %q, and that otherwise", line, again)
		}
	})
}
