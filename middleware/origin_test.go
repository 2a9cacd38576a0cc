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
	{"B4.21", "localhost in debug", middleware.Localhost(), list{"http://localhost:3000"}, ""},
	{"B4.21", "127.0.0.1 in debug", middleware.Localhost(), list{"http://127.0.0.1:8000"}, ""},
	{"B4.21", "[::1] in debug", middleware.Localhost(), list{"http://[::1]:8000"}, ""},
	{"B4.21", "own host in debug", middleware.Localhost(), list{"http://example.com"}, "not-allowed"},
	{"E24", "huge", list{"example.com"}, list{"http://" + strings.Repeat("a", 10<<20)}, "malformed"},
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

// sentFrom is a POST as a browser sends it.
func sentFrom(origin, site string) *http.Request {
	return request("POST", "/", "Origin", origin, "Sec-Fetch-Site", site)
}

func TestOriginB4_1OnHTTP(t *testing.T) {
	var own middleware.OriginOptions
	reads := middleware.OriginOptions{CheckReads: true}
	post := func(headers ...string) *http.Request { return request("POST", "/", headers...) }
	for _, test := range []struct {
		name    string
		options middleware.OriginOptions
		request *http.Request
		want    string
	}{
		{"POST from elsewhere", own, post("Origin", "http://evil.org"), "not-allowed"},
		{"POST from here", own, post("Origin", "http://example.com"), ""},
		{"POST without Origin", own, post(), ""},
		{"POST without Origin, cross-site", own, post("Sec-Fetch-Site", "cross-site"), "cross-site"},
		{"POST without Origin, same-origin", own, post("Sec-Fetch-Site", "same-origin"), ""},
		{"method in lower case", own, request("get", "/", "Origin", "http://evil.org"), "not-allowed"},
		{"POST of a sandboxed page", own, post("Origin", "null"), "malformed"},
		{"own form without a referrer", own, sentFrom("null", "same-origin"), ""},
		{"sandboxed page of another site", own, sentFrom("null", "cross-site"), "malformed"},
		{"GET from elsewhere", own, get("/", "Origin", "http://evil.org"), ""},
		{"SSE from elsewhere", reads, get("/", "Origin", "http://evil.org"), "not-allowed"},
		{"SSE from here", reads, get("/", "Origin", "http://example.com"), ""},
		{"SSE from here, no Origin", reads, get("/"), ""},
	} {
		t.Run("B4.1 the own host, "+test.name, func(t *testing.T) {
			origin := middleware.NewOrigin(test.options)
			err := origin.Check(&parley.Scope{Protocol: parley.HTTP, Request: test.request})
			if got := reasonOf(t, err); got != test.want {
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
	r := get("http://example.com/", "Origin", "http://evil.org")
	refused := parleytest.Dial(t, origin.Wrap(new(inner)), r)
	if got := refused.Denial(); got.Status != 403 || strings.Contains(got.Body, "evil") {
		t.Errorf("%d %q", got.Status, got.Body)
	}
	if len(seen) != 1 || seen[0] != "websocket origin not-allowed" {
		t.Errorf("reported %q", seen)
	}
}

func TestOriginReportOnly(t *testing.T) {
	logger, log := recorder()
	origin := middleware.NewOrigin(middleware.OriginOptions{
		ReportOnly: true, Report: middleware.LogTo(logger),
	})
	r := get("http://example.com/chat?ticket=secret", "Origin", "http://evil.org")
	parleytest.Dial(t, origin.Wrap(new(inner)), r).Accept()
	if err := origin.CheckRequest(r); err != nil {
		t.Error(err)
	}
	text := log.String()
	if strings.Count(text, "reason=not-allowed") != 2 || strings.Contains(text, "secret") {
		t.Errorf("log: %s", text)
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
		guard := middleware.NewOrigin(middleware.OriginOptions{
			Allow: []string{pattern}, SameOrigin: true,
		})
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
	for _, text := range []string{
		"*", ".example.com", "https://example.com:443", "*.example.com", "[::1]:80",
		"b\u00fccher.example", "a@b/c", "::1",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := middleware.ParsePattern(text)
		bad, ok := err.(*middleware.PatternError)
		switch {
		case err == nil:
		case !ok, bad.Problem == "":
			t.Errorf("%q: %#v", text, err)
		case bad.Suggest != "" && middleware.ParsePattern(bad.Suggest) != nil:
			t.Errorf("%q: %#v", text, err)
		}
	})
}
