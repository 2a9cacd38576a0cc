package socket

import (
	"strconv"
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

// TestCostOfOffers: what anybody can send before it is known who that is costs about as
// much as its bytes.
func TestCostOfOffers(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	list := func(element string, n int) string { return strings.Repeat(element+",", n) }
	numbered := func(n int) (list string) {
		for i := range n {
			list += strconv.Itoa(i) + ","
		}
		return list
	}
	for _, row := range []struct {
		name, header, value string
		ok                  bool
	}{
		{"a long parameter", "Extensions", "foo; a=" + long, true},
		{"a long quoted parameter", "Extensions", `foo; a="` + long + `"`, true},
		{"a long quoted parameter, escaped", "Extensions",
			`foo; a="` + strings.Repeat(`\x`, 50_000) + `"`, true},
		{"a quoted parameter without an end", "Extensions", `foo; a="` + long, false},
		{"separators", "Extensions", "foo" + list(" ", 100_000), true},
		{"many offers", "Extensions", list("foo", 200), true},
		{"too many offers", "Extensions", list("foo", 100_000), false},
		{"too many parameters", "Extensions", "foo" + strings.Repeat(";a", 100_000), false},
		{"too many of both", "Extensions", list("foo;a;b;c", 100), false},
		{"many subprotocols", "Protocol", numbered(200), true},
		{"too many subprotocols", "Protocol", numbered(10_000), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			var ok bool
			allocations := testing.AllocsPerRun(1, func() {
				r := browsers()
				r.Header.Set("Sec-Websocket-"+row.header, row.value)
				ok = Check(r) == nil
			})
			if ok != row.ok || allocations > 2000 {
				t.Errorf("checked as %v with %v allocations", ok, allocations)
			}
		})
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
