package nethttp_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// impossible are the cases that cannot be had over events, and why.
var impossible = map[string]string{
	"MaxBytesHandler/over":   "http.MaxBytesReader knows the server's own writer only",
	"ReverseProxy/WebSocket": "hijacks a WebSocket",
	"gorilla":                "hijacks a WebSocket",
	"gorilla/subprotocol":    "hijacks a WebSocket",
	"melody":                 "hijacks a WebSocket",
}

// TestIdentityOverEvents: below middleware that wraps the conn a handler is what it
// is on net/http, to a client and to itself. Only the order of the fields in a head
// may be another, and the boundaries of chunks.
func TestIdentityOverEvents(t *testing.T) {
	for _, cases := range [][]identityCase{
		fileIdentity(t), wrapperIdentity(t), writerIdentity, requestIdentity,
		proxyIdentity(t), hijackIdentity,
	} {
		for _, c := range cases {
			if reason := impossible[c.name]; reason != "" {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				want, wantLog := observe(t, c.handler, c)
				got, gotLog := observe(t, eventShape.wrap(c.handler), c)
				if want, got := canonical(want), canonical(got); got != want {
					t.Errorf("got\n%q\nwant\n%q", got, want)
				}
				if !slices.Equal(gotLog, wantLog) {
					t.Errorf("logged %q, want %q", gotLog, wantLog)
				}
			})
		}
	}
}

var (
	heads  = regexp.MustCompile(`HTTP/1\.[01] [^\r]*\r\n([^\r]+\r\n)*\r\n`)
	chunks = regexp.MustCompile(`\r\n[0-9a-f]{2,4}\r\n`)
)

// canonical sorts the fields in the heads of answers and joins chunks.
func canonical(answers string) string {
	answers = chunks.ReplaceAllString(answers, "")
	return heads.ReplaceAllStringFunc(answers, func(head string) string {
		lines := strings.SplitAfter(head, "\r\n")
		slices.Sort(lines[1 : len(lines)-2])
		return strings.Join(lines, "")
	})
}
