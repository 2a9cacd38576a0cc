package origin_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/parleygo/parley/internal/origin"
)

// wrongPatterns would silently match nothing: they are refused, with the right form.
var wrongPatterns = []struct{ id, pattern, problem, suggest string }{
	{"B4.11", "*.example.com", "uses '*' for subdomains", ".example.com"},
	{"B4.11", "https://*.example.com", "uses '*' for subdomains", "https://.example.com"},
	{"B4.11", "*.", "uses '*' for subdomains", ""},
	{"B4.13", "https://*", "has no host", "*"},
	{"B4.13", "https://ex*mple.com", "has a '*' inside", ""},
	{"B4.12", "example.com:99999", "is no host or host:port", ""},
	{"B4.12", "example.com:65536", "is no host or host:port", ""},
	{"B4.12", "example.com:0", "is no host or host:port", ""},
	{"B4.12", "example.com:000080", "is no host or host:port", ""},
	{"B4.12", "example.com:abc", "is no host or host:port", ""},
	{"B4.12", "example.com:8/", "has a path", "example.com:8"},
	{"B4.14", "", "is empty", ""},
	{"B4.14", "https://", "is empty", ""},
	{"B4.14", "//example.com", "has a path", ""},
	{"B4.14", "://example.com", "has no valid scheme", ""},
	{"B4.14", "9p://example.com", "has no valid scheme", ""},
	{"B4.15", "https://example.com/", "has a path", "https://example.com"},
	{"B4.15", "https://example.com/chat?a", "has a path", "https://example.com"},
	{"B4.15", "https://me@example.com", "has a user", "https://example.com"},
	{"B4.15", "me@example.com", "has a user", "example.com"},
	{"B4.16", "http://[::1", "is no host", ""},
	{"B4.16", "[::1%eth0]", "is no host", ""},
	{"B4.16", "[127.0.0.1]", "is no host", ""},
	{"B4.17", "example.com.", "ends with a dot", "example.com"},
	{"B4.17", "example.com..", "ends with a dot", "example.com"},
	{"B4.17", "..example.com", "is no host", ""},
	{"B4.18", "::1", "is no host", "[::1]"},
	{"B4.18", ".[::1]", "asks for subdomains of an address", "[::1]"},
	{"B4.19", "b\xfccher.example", "is no valid domain name: not UTF-8", ""},
	{"B4.19", "a b.example", "is no host", ""},
	{"B4.19", "\u2000.example", "is no valid domain name", ""},
}

func TestWrongPatterns(t *testing.T) {
	for _, row := range wrongPatterns {
		t.Run(fmt.Sprintf("%s %+q", row.id, row.pattern), func(t *testing.T) {
			_, err := origin.ParsePattern(row.pattern)
			bad, ok := err.(*origin.PatternError)
			if !ok || bad.Suggest != row.suggest || !strings.Contains(bad.Problem, row.problem) {
				t.Fatalf("%v, want %q and a suggestion of %q", err, row.problem, row.suggest)
			}
			if bad.Pattern != row.pattern || !strings.Contains(bad.Error(), fmt.Sprintf("%q", row.pattern)) {
				t.Errorf("%q does not name the pattern", bad)
			}
			if has := strings.Contains(bad.Error(), "; write "); has != (row.suggest != "") {
				t.Errorf("suggests something: %v", bad)
			}
			if row.suggest == "" {
				return
			}
			if _, err := origin.ParsePattern(row.suggest); err != nil {
				t.Errorf("the suggestion is wrong too: %v", err)
			}
		})
	}
}

// TestPatterns: how a pattern is understood.
func TestPatterns(t *testing.T) {
	for text, want := range map[string]origin.Pattern{
		"*":                         {Any: true},
		"example.com":               {Host: "example.com", Port: origin.AnyPort},
		"example.com:1":             {Host: "example.com", Port: 1},
		"example.com:65535":         {Host: "example.com", Port: 65535},
		".example.com":              {Host: "example.com", Port: origin.AnyPort, Subdomains: true},
		"http://example.com":        {Scheme: "http", Host: "example.com", Port: 80},
		"WS://example.com":          {Scheme: "WS", Host: "example.com", Port: 80},
		"https://example.com":       {Scheme: "https", Host: "example.com", Port: 443},
		"wss://.example.com":        {Scheme: "wss", Host: "example.com", Port: 443, Subdomains: true},
		"https://example.com:8443":  {Scheme: "https", Host: "example.com", Port: 8443},
		"chrome-extension://abc":    {Scheme: "chrome-extension", Host: "abc", Port: origin.NoPort},
		"[0:0::1]:80":               {Host: "[::1]", Port: 80},
		"b\u00fccher.example":       {Host: "xn--bcher-kva.example", Port: origin.AnyPort},
		".b\u00fccher.example:8080": {Host: "xn--bcher-kva.example", Port: 8080, Subdomains: true},
	} {
		if got, err := origin.ParsePattern(text); got != want || err != nil {
			t.Errorf("%q: %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestWrongListPanics(t *testing.T) {
	defer func() {
		text, _ := recover().(string)
		if want := `guard: Allow: pattern "*.b" uses '*' for subdomains; write ".b"`; text != want {
			t.Errorf("panic %q, want %q", text, want)
		}
	}()
	origin.MustPatterns("guard: Allow", []string{"a", "*.b"})
}

func TestMatchesHost(t *testing.T) {
	for _, c := range []struct {
		pattern, host string
		want          bool
	}{
		{"example.com", "EXAMPLE.com", true},
		{"example.com", "a.example.com", false},
		{".example.com", "example.com", true},
		{".example.com", "a.EXAMPLE.com", true},
		{".example.com", "badexample.com", false},
		{".example.com", ".example.com", false},
		{".example.com", "com", false},
	} {
		pattern, err := origin.ParsePattern(c.pattern)
		if got := pattern.MatchesHost(c.host); got != c.want || err != nil {
			t.Errorf("%q, %q: %v, %v", c.pattern, c.host, got, err)
		}
	}
}

func TestSplitHost(t *testing.T) {
	long := strings.Repeat("a", 253)
	for _, c := range []struct {
		text, host string
		port       int
		ok         bool
	}{
		{"example.com", "example.com", origin.NoPort, true},
		{"a_b.example:1", "a_b.example", 1, true},
		{"127.0.0.1:65535", "127.0.0.1", 65535, true},
		{"[::1]", "[::1]", origin.NoPort, true},
		{"[::1]:443", "[::1]", 443, true},
		{long, long, origin.NoPort, true},
		{long + "a", "", 0, false},
		{"", "", 0, false},
		{":80", "", 0, false},
		{".a", "", 0, false},
		{"a b", "", 0, false},
		{"[::1", "", 0, false},
		{"[::1]80", "", 0, false},
		{"[1.2.3.4]", "", 0, false},
		{"[fe80::1%eth0]", "", 0, false},
		{"a:", "", 0, false},
		{"a:0", "", 0, false},
		{"a:65536", "", 0, false},
		{"a:/", "", 0, false},
		{"a::", "", 0, false},
	} {
		host, port, ok := origin.SplitHost(c.text)
		if ok != c.ok || ok && (host != c.host || port != c.port) {
			t.Errorf("%q: %q, %d, %v", c.text, host, port, ok)
		}
	}
}

func FuzzOrigin(f *testing.F) {
	for _, row := range originRows {
		for i, from := range row.origins {
			if len(from) < 1000 && i < len(row.allow) {
				f.Add(row.allow[i], from, "example.com")
			}
		}
	}
	f.Fuzz(func(t *testing.T, pattern, from, host string) {
		parsed, err := origin.ParsePattern(pattern)
		if err != nil || parsed.Any {
			return
		}
		r := httptest.NewRequest("GET", "http://example.com/", nil)
		r.Host, r.Header["Origin"] = host, []string{from}
		policy := origin.New(origin.Rules{Allow: []origin.Pattern{parsed}, Self: true})
		if policy.Handshake(r) != nil {
			return
		}
		// Whoever comes in is a scheme, a host and a port, and nothing else.
		if strings.ContainsAny(from, "@/?#\\ \t\r\n,") && strings.Count(from, "/") != 2 {
			t.Errorf("%q admits %q at host %q", pattern, from, host)
		}
	})
}

func FuzzPattern(f *testing.F) {
	for _, row := range wrongPatterns {
		f.Add(row.pattern)
	}
	for _, text := range []string{"*", ".example.com", "https://example.com:443", "[::1]:80", "a@b/c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := origin.ParsePattern(text)
		bad, ok := err.(*origin.PatternError)
		switch {
		case err == nil:
			if !utf8.ValidString(text) {
				t.Errorf("%q is taken", text)
			}
		case !ok, bad.Problem == "":
			t.Errorf("%q: %#v", text, err)
		case bad.Suggest != "":
			if _, again := origin.ParsePattern(bad.Suggest); again != nil {
				t.Errorf("%q: %v, whose suggestion is %v", text, err, again)
			}
		}
	})
}
