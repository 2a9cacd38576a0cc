package nethttp_test

import (
	"regexp"
	"slices"
	"testing"
)

// impossible are the cases that cannot be had over events, and why.
var impossible = map[string]string{
	"ReverseProxy/WebSocket": "what a handler says after the peer's goodbye, the carrier does not send",
	"MaxBytesHandler/over":   "http.MaxBytesReader knows the server's own writer only",
}

// TestIdentityOverEvents: below middleware that wraps the conn a handler is what it
// is on net/http, to a client and to itself. Only the boundaries of chunks may differ.
func TestIdentityOverEvents(t *testing.T) {
	for _, cases := range [][]identityCase{
		fileIdentity(t), wrapperIdentity(t), writerIdentity, requestIdentity,
		proxyIdentity(t),
	} {
		for _, c := range cases {
			if reason := impossible[c.name]; reason != "" {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				want, wantLog := observe(t, c.handler, c)
				got, gotLog := observe(t, eventShape.wrap(c.handler), c)
				if want, got := unchunked(want), unchunked(got); got != want {
					t.Errorf("got\n%q\nwant\n%q", got, want)
				}
				if !slices.Equal(gotLog, wantLog) {
					t.Errorf("logged %q, want %q", gotLog, wantLog)
				}
			})
		}
	}
}

var chunks = regexp.MustCompile(`\r\n[0-9a-f]{2,4}\r\n`)

// unchunked joins chunks.
func unchunked(answers string) string { return chunks.ReplaceAllString(answers, "") }
