package middleware_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

// originRows are the rows of B4: what is allowed, what comes, and the reason for
// which it is refused.
var originRows = []struct {
	id, name string
	allow    []string
	origins  []string
	want     string
}{
	{"B4.2", "lower-case name", []string{"example.com"}, []string{"http://example.com"}, ""},
	{"B4.3", "two that are allowed", []string{"example.com"}, []string{"http://example.com", "http://example.com"}, "multiple"},
	{"B4.3", "last is allowed", []string{"example.com"}, []string{"http://evil.org", "http://example.com"}, "multiple"},
	{"B4.3", "star", []string{"*"}, []string{"http://a.org", "http://b.org"}, ""},
	{"B4.4", "missing", []string{"example.com"}, nil, "missing"},
	{"B4.4", "missing with star", []string{"*"}, nil, ""},
	{"B4.5", "empty list", []string{}, []string{"http://example.com"}, "not-allowed"},
	{"B4.5", "empty list, missing", []string{}, nil, "missing"},
	{"B4.6", "star and empty", []string{"*"}, []string{""}, ""},
	{"B4.6", "star and null", []string{"*"}, []string{"null"}, ""},
	{"B4.6", "star and nonsense", []string{"*"}, []string{"?%"}, ""},
	{"B4.7", "any port", []string{"example.com"}, []string{"http://example.com:8080"}, ""},
	{"B4.7", "https", []string{"example.com"}, []string{"https://example.com"}, ""},
	{"B4.7", "ws", []string{"example.com"}, []string{"ws://example.com"}, ""},
	{"B4.7", "wss", []string{"example.com"}, []string{"wss://example.com"}, ""},
	{"B4.7", "extension", []string{"example.com"}, []string{"chrome-extension://example.com"}, "not-allowed"},
	{"B4.8", "apex", []string{".example.com"}, []string{"https://example.com"}, ""},
	{"B4.8", "subdomain", []string{".example.com"}, []string{"https://a.example.com"}, ""},
	{"B4.8", "deep subdomain", []string{".example.com"}, []string{"https://a.b.example.com"}, ""},
	{"B4.8", "bad prefix", []string{".example.com"}, []string{"https://badexample.com"}, "not-allowed"},
	{"B4.8", "as prefix", []string{".example.com"}, []string{"https://example.com.evil.org"}, "not-allowed"},
	{"B4.8", "empty label", []string{".example.com"}, []string{"https://.example.com"}, "malformed"},
	{"B4.9", "equal", []string{"https://example.com"}, []string{"https://example.com"}, ""},
	{"B4.9", "default port written", []string{"https://example.com"}, []string{"https://example.com:443"}, ""},
	{"B4.9", "default port in pattern", []string{"http://example.com:80"}, []string{"http://example.com"}, ""},
	{"B4.9", "other port", []string{"http://example.com"}, []string{"http://example.com:8080"}, "not-allowed"},
	{"B4.9", "http is not https", []string{"https://example.com"}, []string{"http://example.com"}, "not-allowed"},
	{"B4.9", "https is not wss", []string{"https://example.com"}, []string{"wss://example.com"}, "not-allowed"},
	{"B4.9", "subdomains", []string{"https://.example.com"}, []string{"https://a.example.com"}, ""},
	{"B4.9", "own scheme without a port", []string{"chrome-extension://abc"}, []string{"chrome-extension://abc"}, ""},
	{"B4.9", "own scheme with a port", []string{"chrome-extension://abc"}, []string{"chrome-extension://abc:80"}, "not-allowed"},
	{"B4.10", "host in upper case", []string{"Example.com"}, []string{"http://eXAMPLE.COM"}, ""},
	{"B4.10", "scheme in upper case", []string{"HTTPS://example.com"}, []string{"hTTPs://example.com"}, ""},
	{"B4.10", "subdomain in upper case", []string{".EXAMPLE.com"}, []string{"http://A.example.COM"}, ""},
	{"B4.12", "host and port", []string{"example.com:8080"}, []string{"http://example.com:8080"}, ""},
	{"B4.12", "host and other port", []string{"example.com:8080"}, []string{"http://example.com"}, "not-allowed"},
	{"B4.12", "localhost", []string{"localhost:3000"}, []string{"http://localhost:3000"}, ""},
	{"B4.14", "null", []string{"example.com"}, []string{"null"}, "malformed"},
	{"B4.14", "empty", []string{"example.com"}, []string{""}, "malformed"},
	{"B4.14", "bare", []string{"example.com"}, []string{"example.com"}, "malformed"},
	{"B4.14", "without a scheme", []string{"example.com"}, []string{"//example.com"}, "malformed"},
	{"B4.15", "path", []string{"example.com"}, []string{"http://example.com/"}, "malformed"},
	{"B4.15", "query", []string{"example.com"}, []string{"http://example.com?a"}, "malformed"},
	{"B4.15", "fragment", []string{"example.com"}, []string{"http://example.com#a"}, "malformed"},
	{"B4.15", "userinfo", []string{"example.com"}, []string{"http://user@example.com"}, "malformed"},
	{"B4.15", "userinfo that looks allowed", []string{"example.com"}, []string{"https://example.com@evil.org"}, "malformed"},
	{"B4.15", "backslash", []string{"example.com"}, []string{`http://example.com\.evil.org`}, "malformed"},
	{"B4.16", "port out of range", []string{"http://example.com"}, []string{"http://example.com:99999"}, "malformed"},
	{"B4.16", "port in letters", []string{"http://example.com"}, []string{"http://example.com:abc"}, "malformed"},
	{"B4.16", "port in letters, no scheme", []string{"example.com"}, []string{"http://example.com:abc"}, "malformed"},
	{"B4.16", "empty port", []string{"example.com"}, []string{"http://example.com:"}, "malformed"},
	{"B4.16", "port zero", []string{"example.com"}, []string{"http://example.com:0"}, "malformed"},
	{"B4.16", "unclosed bracket", []string{"http://example.com"}, []string{"http://[::1"}, "malformed"},
	{"B4.17", "trailing dot", []string{"example.com"}, []string{"http://example.com."}, "not-allowed"},
	{"B4.17", "trailing dot, subdomains", []string{".example.com"}, []string{"http://a.example.com."}, "not-allowed"},
	{"B4.18", "IPv6", []string{"[::1]"}, []string{"http://[::1]:8000"}, ""},
	{"B4.18", "IPv6 with port", []string{"http://[::1]:8000"}, []string{"http://[::1]:8000"}, ""},
	{"B4.18", "IPv6 written long in the pattern", []string{"[0:0:0:0:0:0:0:1]"}, []string{"http://[::1]"}, ""},
	{"B4.18", "other IPv6", []string{"[::1]"}, []string{"http://[::2]"}, "not-allowed"},
	{"B4.19", "IDN pattern", []string{"bücher.example"}, []string{"https://xn--bcher-kva.example"}, ""},
	{"B4.19", "IDN pattern with dot and port", []string{".Bücher.example:8080"}, []string{"https://a.xn--bcher-kva.example:8080"}, ""},
	{"B4.19", "raw origin", []string{"bücher.example"}, []string{"https://bücher.example"}, "malformed"},
	{"B4.21", "same origin", nil, []string{"http://example.com"}, ""},
	{"B4.21", "same origin with default port", nil, []string{"https://example.com:443"}, ""},
	{"B4.21", "other origin", nil, []string{"http://evil.org"}, "not-allowed"},
	{"B4.21", "same host, other port", nil, []string{"http://example.com:8080"}, "not-allowed"},
	{"B4.21", "subdomain", nil, []string{"http://a.example.com"}, "not-allowed"},
	{"B4.21", "missing", nil, nil, "missing"},
	{"B4.21", "localhost in debug", middleware.Localhost(), []string{"http://localhost:3000"}, ""},
	{"B4.21", "127.0.0.1 in debug", middleware.Localhost(), []string{"http://127.0.0.1:8000"}, ""},
	{"B4.21", "[::1] in debug", middleware.Localhost(), []string{"http://[::1]:8000"}, ""},
	{"B4.21", "own host in debug", middleware.Localhost(), []string{"http://example.com"}, "not-allowed"},
	{"E24", "huge", []string{"example.com"}, []string{"http://" + strings.Repeat("a", 10<<20)}, "malformed"},
}

func TestOriginRows(t *testing.T) {
	for _, row := range originRows {
		t.Run(row.id+" "+row.name, func(t *testing.T) {
			origin := middleware.NewOrigin(middleware.OriginOptions{Allow: row.allow})
			r := get("http://example.com/")
			r.Header["Origin"] = row.origins
			if len(row.origins) == 0 {
				r.Header["Origin"] = nil // parleytest's browser sends one otherwise
			}
			got := reasonOf(t, origin.Check(&parley.Scope{Protocol: parley.WebSocket, Request: r}))
			if got != row.want {
				t.Errorf("reason %q, want %q", got, row.want)
			}
			if got := reasonOf(t, origin.CheckRequest(r)); got != row.want {
				t.Errorf("CheckRequest: reason %q, want %q", got, row.want)
			}
			app := new(inner)
			ws := parleytest.Dial(t, origin.Wrap(app), r)
			if accepted := ws.Accepted(); accepted != (row.want == "") || app.ran.Load() > 0 != accepted {
				t.Fatalf("accepted: %v, the app ran %d times", accepted, app.ran.Load())
			}
			if row.want != "" && ws.Denial().Status != http.StatusForbidden {
				t.Errorf("status %d", ws.Denial().Status)
			}
		})
	}
}

// Patterns that would silently match nothing are refused, with the right form.
func TestPatternRows(t *testing.T) {
	for _, row := range []struct{ id, pattern, suggest string }{
		{"B4.11", "*.example.com", ".example.com"},
		{"B4.11", "https://*.example.com", "https://.example.com"},
		{"B4.13", "https://*", "*"},
		{"B4.13", "https://ex*mple.com", ""},
		{"B4.12", "example.com:99999", ""},
		{"B4.12", "example.com:abc", ""},
		{"B4.14", "", ""},
		{"B4.14", "https://", ""},
		{"B4.14", "//example.com", ""},
		{"B4.15", "https://example.com/", "https://example.com"},
		{"B4.15", "https://example.com/chat?a", "https://example.com"},
		{"B4.15", "https://me@example.com", "https://example.com"},
		{"B4.16", "http://[::1", ""},
		{"B4.17", "example.com.", "example.com"},
		{"B4.18", "::1", "[::1]"},
		{"B4.18", ".[::1]", "[::1]"},
		{"B4.19", "b\xfccher.example", ""},
		{"B4.19", "a b.example", ""},
	} {
		t.Run(row.id+" "+row.pattern, func(t *testing.T) {
			err := middleware.ParsePattern(row.pattern)
			bad, ok := err.(*middleware.PatternError)
			if !ok || bad.Suggest != row.suggest {
				t.Fatalf("%v, want a suggestion of %q", err, row.suggest)
			}
			if row.suggest != "" && middleware.ParsePattern(row.suggest) != nil {
				t.Errorf("the suggestion %q is wrong too", row.suggest)
			}
			panics(t, row.suggest, func() {
				middleware.NewOrigin(middleware.OriginOptions{Allow: []string{row.pattern}})
			})
		})
	}
}

func TestOriginB4_1OnHTTP(t *testing.T) {
	for _, test := range []struct {
		name    string
		options middleware.OriginOptions
		request *http.Request
		want    string
	}{
		{"POST from elsewhere", middleware.OriginOptions{}, request("POST", "/", "Origin", "http://evil.org"), "not-allowed"},
		{"POST from here", middleware.OriginOptions{}, request("POST", "/", "Origin", "http://example.com"), ""},
		{"POST without Origin", middleware.OriginOptions{}, request("POST", "/"), ""},
		{"POST without Origin, cross-site", middleware.OriginOptions{}, request("POST", "/", "Sec-Fetch-Site", "cross-site"), "cross-site"},
		{"POST without Origin, same-origin", middleware.OriginOptions{}, request("POST", "/", "Sec-Fetch-Site", "same-origin"), ""},
		{"method in lower case", middleware.OriginOptions{}, request("get", "/", "Origin", "http://evil.org"), "not-allowed"},
		{"POST of a sandboxed page", middleware.OriginOptions{}, request("POST", "/", "Origin", "null"), "malformed"},
		{"GET from elsewhere", middleware.OriginOptions{}, get("/", "Origin", "http://evil.org"), ""},
		{"SSE from elsewhere", middleware.OriginOptions{CheckReads: true}, get("/", "Origin", "http://evil.org"), "not-allowed"},
		{"SSE from here", middleware.OriginOptions{CheckReads: true}, get("/", "Origin", "http://example.com"), ""},
		{"SSE from here, no Origin", middleware.OriginOptions{CheckReads: true}, get("/"), ""},
	} {
		t.Run("B4.1 "+test.name, func(t *testing.T) {
			origin := middleware.NewOrigin(test.options)
			if got := reasonOf(t, origin.Check(&parley.Scope{Protocol: parley.HTTP, Request: test.request})); got != test.want {
				t.Errorf("reason %q, want %q", got, test.want)
			}
			app := new(inner)
			status := parleytest.Do(t, origin.Wrap(app), test.request).Status
			if want := map[bool]int{true: 200, false: 403}[test.want == ""]; status != want {
				t.Errorf("status %d, want %d", status, want)
			}
		})
	}
}

// Where TLS is certain, a page without it has another origin.
func TestOriginWithTLS(t *testing.T) {
	origin := middleware.NewOrigin(middleware.OriginOptions{})
	for _, test := range []struct{ target, origin, want string }{
		{"https://example.com/", "https://example.com", ""},
		{"https://example.com/", "http://example.com", "not-allowed"},
		{"http://example.com/", "https://example.com", ""}, // TLS may end before us
	} {
		r := get(test.target, "Origin", test.origin)
		if got := reasonOf(t, origin.CheckRequest(r)); got != test.want {
			t.Errorf("%s to %s: %q, want %q", test.origin, test.target, got, test.want)
		}
	}
}

func TestOriginB4_20ReportsReason(t *testing.T) {
	var seen []string
	origin := middleware.NewOrigin(middleware.OriginOptions{
		Report: func(_ context.Context, scope *parley.Scope, refusal *middleware.Refusal) {
			seen = append(seen, fmt.Sprint(scope.Protocol, " ", refusal.By, " ", refusal.Reason))
		},
	})
	refused := parleytest.Dial(t, origin.Wrap(new(inner)), get("http://example.com/", "Origin", "http://evil.org"))
	if got := refused.Denial(); got.Status != 403 || strings.Contains(got.Body, "evil") {
		t.Errorf("%d %q", got.Status, got.Body)
	}
	if len(seen) != 1 || seen[0] != "websocket origin not-allowed" {
		t.Errorf("reported %q", seen)
	}
}

func TestOriginReportOnly(t *testing.T) {
	logger, log := recorder()
	origin := middleware.NewOrigin(middleware.OriginOptions{ReportOnly: true, Report: middleware.LogTo(logger)})
	r := get("http://example.com/chat?ticket=secret", "Origin", "http://evil.org")
	parleytest.Dial(t, origin.Wrap(new(inner)), r).Accept()
	if err := origin.CheckRequest(r); err != nil {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "reason=not-allowed"); n != 2 || strings.Contains(log.String(), "secret") {
		t.Errorf("log: %s", log)
	}
}

func TestOriginAllowMissing(t *testing.T) {
	origin := middleware.NewOrigin(middleware.OriginOptions{AllowMissing: true})
	r := get("http://example.com/")
	r.Header["Origin"] = nil
	parleytest.Dial(t, origin.Wrap(new(inner)), r).Accept()
}

func TestOriginB4_5Warns(t *testing.T) {
	logger, log := recorder()
	middleware.NewOrigin(middleware.OriginOptions{Allow: []string{}, Logger: logger})
	if !strings.Contains(log.String(), "refuses every socket") {
		t.Errorf("log: %s", log)
	}
}

func TestOriginPassesOthers(t *testing.T) {
	passesOthers(t, middleware.NewOrigin(middleware.OriginOptions{}).Wrap)
}

func FuzzOrigin(f *testing.F) {
	for _, row := range originRows {
		for i, origin := range row.origins {
			if len(origin) < 1000 && i < len(row.allow) {
				f.Add(row.allow[i], origin, "example.com")
			}
		}
	}
	f.Fuzz(func(t *testing.T, pattern, origin, host string) {
		if middleware.ParsePattern(pattern) != nil || pattern == "*" {
			return
		}
		r := get("http://example.com/")
		r.Host, r.Header["Origin"] = host, []string{origin}
		guard := middleware.NewOrigin(middleware.OriginOptions{Allow: []string{pattern}, SameOrigin: true})
		if guard.CheckRequest(r) != nil {
			return
		}
		// Whoever comes in is a scheme, a host and a port, and nothing else.
		if strings.ContainsAny(origin, "@/?#\\ \t\r\n,") && strings.Count(origin, "/") != 2 {
			t.Errorf("%q admits %q at host %q", pattern, origin, host)
		}
	})
}

func FuzzPattern(f *testing.F) {
	for _, text := range []string{"*", ".example.com", "https://example.com:443", "*.example.com", "[::1]:80", "b\u00fccher.example", "a@b/c", "::1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := middleware.ParsePattern(text)
		bad, ok := err.(*middleware.PatternError)
		if err != nil && (!ok || bad.Problem == "" || bad.Suggest != "" && middleware.ParsePattern(bad.Suggest) != nil) {
			t.Errorf("%q: %#v", text, err)
		}
	})
}
