package origin_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parleygo/parley/internal/origin"
)

type list = []string

// originRows are the rows of B4: what is allowed, what comes, and the reason for
// which it is refused.
var originRows = []struct {
	id, name string
	allow    list
	origins  list
	want     string
}{
	{"B4.2", "lower-case name", list{"example.com"}, list{"http://example.com"}, ""},
	{
		"B4.3", "two that are allowed",
		list{"example.com"}, list{"http://example.com", "http://example.com"}, "multiple",
	},
	{
		"B4.3", "last is allowed",
		list{"example.com"}, list{"http://evil.org", "http://example.com"}, "multiple",
	},
	{"B4.3", "star", list{"*"}, list{"http://a.org", "http://b.org"}, ""},
	{"B4.4", "missing", list{"example.com"}, nil, "missing"},
	{"B4.4", "missing with star", list{"*"}, nil, ""},
	{"B4.5", "empty list", list{}, list{"http://example.com"}, "not-allowed"},
	{"B4.5", "empty list, missing", list{}, nil, "missing"},
	{"B4.6", "star and empty", list{"*"}, list{""}, ""},
	{"B4.6", "star and null", list{"*"}, list{"null"}, ""},
	{"B4.6", "star and nonsense", list{"*"}, list{"?%"}, ""},
	{"B4.7", "any port", list{"example.com"}, list{"http://example.com:8080"}, ""},
	{"B4.7", "https", list{"example.com"}, list{"https://example.com"}, ""},
	{"B4.7", "ws", list{"example.com"}, list{"ws://example.com"}, ""},
	{"B4.7", "wss", list{"example.com"}, list{"wss://example.com"}, ""},
	{"B4.7", "extension", list{"example.com"}, list{"chrome-extension://example.com"}, "not-allowed"},
	{"B4.8", "apex", list{".example.com"}, list{"https://example.com"}, ""},
	{"B4.8", "subdomain", list{".example.com"}, list{"https://a.example.com"}, ""},
	{"B4.8", "deep subdomain", list{".example.com"}, list{"https://a.b.example.com"}, ""},
	{"B4.8", "bad prefix", list{".example.com"}, list{"https://badexample.com"}, "not-allowed"},
	{"B4.8", "as prefix", list{".example.com"}, list{"https://example.com.evil.org"}, "not-allowed"},
	{"B4.8", "empty label", list{".example.com"}, list{"https://.example.com"}, "malformed"},
	{"B4.9", "equal", list{"https://example.com"}, list{"https://example.com"}, ""},
	{"B4.9", "default port written", list{"https://example.com"}, list{"https://example.com:443"}, ""},
	{"B4.9", "default port in pattern", list{"http://example.com:80"}, list{"http://example.com"}, ""},
	{"B4.9", "other port", list{"http://example.com"}, list{"http://example.com:8080"}, "not-allowed"},
	{
		"B4.9", "http is not https",
		list{"https://example.com"}, list{"http://example.com"}, "not-allowed",
	},
	{
		"B4.9", "https is not wss",
		list{"https://example.com"}, list{"wss://example.com"}, "not-allowed",
	},
	{"B4.9", "subdomains", list{"https://.example.com"}, list{"https://a.example.com"}, ""},
	{
		"B4.9", "own scheme without a port",
		list{"chrome-extension://abc"}, list{"chrome-extension://abc"}, "",
	},
	{
		"B4.9", "own scheme with a port",
		list{"chrome-extension://abc"}, list{"chrome-extension://abc:80"}, "not-allowed",
	},
	{"B4.10", "host in upper case", list{"Example.com"}, list{"http://eXAMPLE.COM"}, ""},
	{"B4.10", "scheme in upper case", list{"HTTPS://example.com"}, list{"hTTPs://example.com"}, ""},
	{"B4.10", "subdomain in upper case", list{".EXAMPLE.com"}, list{"http://A.example.COM"}, ""},
	{"B4.12", "host and port", list{"example.com:8080"}, list{"http://example.com:8080"}, ""},
	{
		"B4.12", "host and other port",
		list{"example.com:8080"}, list{"http://example.com"}, "not-allowed",
	},
	{"B4.12", "localhost", list{"localhost:3000"}, list{"http://localhost:3000"}, ""},
	{"B4.14", "null", list{"example.com"}, list{"null"}, "malformed"},
	{"B4.14", "empty", list{"example.com"}, list{""}, "malformed"},
	{"B4.14", "bare", list{"example.com"}, list{"example.com"}, "malformed"},
	{"B4.14", "without a scheme", list{"example.com"}, list{"//example.com"}, "malformed"},
	{"B4.15", "path", list{"example.com"}, list{"http://example.com/"}, "malformed"},
	{"B4.15", "query", list{"example.com"}, list{"http://example.com?a"}, "malformed"},
	{"B4.15", "fragment", list{"example.com"}, list{"http://example.com#a"}, "malformed"},
	{"B4.15", "userinfo", list{"example.com"}, list{"http://user@example.com"}, "malformed"},
	{
		"B4.15", "userinfo that looks allowed",
		list{"example.com"}, list{"https://example.com@evil.org"}, "malformed",
	},
	{"B4.15", "backslash", list{"example.com"}, list{`http://example.com\.evil.org`}, "malformed"},
	{
		"B4.16", "port out of range",
		list{"http://example.com"}, list{"http://example.com:99999"}, "malformed",
	},
	{
		"B4.16", "port in letters",
		list{"http://example.com"}, list{"http://example.com:abc"}, "malformed",
	},
	{
		"B4.16", "port in letters, no scheme",
		list{"example.com"}, list{"http://example.com:abc"}, "malformed",
	},
	{"B4.16", "empty port", list{"example.com"}, list{"http://example.com:"}, "malformed"},
	{"B4.16", "port zero", list{"example.com"}, list{"http://example.com:0"}, "malformed"},
	{"B4.16", "unclosed bracket", list{"http://example.com"}, list{"http://[::1"}, "malformed"},
	{"B4.17", "trailing dot", list{"example.com"}, list{"http://example.com."}, "not-allowed"},
	{
		"B4.17", "trailing dot, subdomains",
		list{".example.com"}, list{"http://a.example.com."}, "not-allowed",
	},
	{"B4.18", "IPv6", list{"[::1]"}, list{"http://[::1]:8000"}, ""},
	{"B4.18", "IPv6 with port", list{"http://[::1]:8000"}, list{"http://[::1]:8000"}, ""},
	{"B4.18", "IPv6 written long in the pattern", list{"[0:0:0:0:0:0:0:1]"}, list{"http://[::1]"}, ""},
	{"B4.18", "other IPv6", list{"[::1]"}, list{"http://[::2]"}, "not-allowed"},
	{"B4.19", "IDN pattern", list{"bücher.example"}, list{"https://xn--bcher-kva.example"}, ""},
	{
		"B4.19", "IDN pattern with dot and port",
		list{".Bücher.example:8080"}, list{"https://a.xn--bcher-kva.example:8080"}, "",
	},
	{"B4.19", "raw origin", list{"bücher.example"}, list{"https://bücher.example"}, "malformed"},
	{"B4.21", "same origin", nil, list{"http://example.com"}, ""},
	{"B4.21", "same origin with default port", nil, list{"https://example.com:443"}, ""},
	{"B4.21", "other origin", nil, list{"http://evil.org"}, "not-allowed"},
	{"B4.21", "same host, other port", nil, list{"http://example.com:8080"}, "not-allowed"},
	{"B4.21", "subdomain", nil, list{"http://a.example.com"}, "not-allowed"},
	{"B4.21", "missing", nil, nil, "missing"},
	{"E24", "huge", list{"example.com"}, list{"http://" + strings.Repeat("a", 10<<20)}, "malformed"},
}

// rules are those of middleware.Origin: no list stands for the request's own origin.
func rules(allow list) origin.Rules {
	return origin.Rules{Allow: origin.MustPatterns("test", allow), Self: allow == nil}
}

func TestRows(t *testing.T) {
	for _, row := range originRows {
		t.Run(row.id+" "+row.name, func(t *testing.T) {
			policy := origin.New(rules(row.allow))
			r := httptest.NewRequest("GET", "http://example.com/", nil)
			r.Header["Origin"] = row.origins
			expect(t, "handshake", policy.Handshake(r), row.want)
			want := row.want
			if len(row.origins) == 0 {
				want = "" // on HTTP older browsers leave it out
			}
			expect(t, "request", policy.Request(r), want)
		})
	}
}
