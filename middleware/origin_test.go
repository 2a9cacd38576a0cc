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

// TestOrigin: what the options mean, in all ways to ask. The patterns' own table stands
// in internal/origin.
func TestOrigin(t *testing.T) {
	here, there := list{"http://example.com"}, list{"http://good.org"}
	for _, row := range []struct {
		id, name string
		options  middleware.OriginOptions
		origins  list
		want     string
	}{
		{"B4.3", "two that are allowed", middleware.OriginOptions{}, append(here, here...), "multiple"},
		{"B4.4", "missing", middleware.OriginOptions{}, nil, "missing"},
		{"B4.4", "missing is allowed", middleware.OriginOptions{AllowMissing: true}, nil, ""},
		{"B4.4", "missing with star", middleware.OriginOptions{Allow: list{"*"}}, nil, ""},
		{"B4.5", "empty list", middleware.OriginOptions{Allow: list{}}, here, "not-allowed"},
		{"B4.14", "null", middleware.OriginOptions{}, list{"null"}, "malformed"},
		{"B4.21", "no list, own", middleware.OriginOptions{}, here, ""},
		{"B4.21", "no list, other", middleware.OriginOptions{}, there, "not-allowed"},
		{"B4.21", "a list, other", middleware.OriginOptions{Allow: list{"good.org"}}, there, ""},
		{"B4.21", "a list, own", middleware.OriginOptions{Allow: list{"good.org"}}, here, "not-allowed"},
		{
			"B4.21", "a list and own",
			middleware.OriginOptions{Allow: list{"good.org"}, SameOrigin: true}, here, "",
		},
		{
			"B4.21", "localhost in debug",
			middleware.OriginOptions{Allow: middleware.Localhost()}, list{"http://localhost:3000"}, "",
		},
		{
			"B4.21", "127.0.0.1 in debug",
			middleware.OriginOptions{Allow: middleware.Localhost()}, list{"http://127.0.0.1:8000"}, "",
		},
		{
			"B4.21", "[::1] in debug",
			middleware.OriginOptions{Allow: middleware.Localhost()}, list{"http://[::1]:8000"}, "",
		},
		{
			"B4.21", "own host in debug",
			middleware.OriginOptions{Allow: middleware.Localhost()}, here, "not-allowed",
		},
	} {
		t.Run(row.id+" "+row.name, func(t *testing.T) {
			expectOrigin(t, middleware.NewOrigin(row.options), row.origins, row.want)
		})
	}
}

func expectOrigin(t *testing.T, origin *middleware.Origin, origins list, want string) {
	t.Helper()
	r := get("http://example.com/")
	r.Header["Origin"] = origins // nil too: parleytest's browser sends one otherwise
	got := reasonOf(t, origin.Check(&parley.Scope{Protocol: parley.WebSocket, Request: r}))
	if got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
	if got := reasonOf(t, origin.CheckRequest(r)); got != want {
		t.Errorf("CheckRequest: reason %q, want %q", got, want)
	}
	app := new(inner)
	ws := parleytest.Dial(t, origin.Wrap(app), r)
	if accepted := ws.Accepted(); accepted != (want == "") || app.ran.Load() > 0 != accepted {
		t.Fatalf("accepted: %v, the app ran %d times", accepted, app.ran.Load())
	}
	if want != "" && ws.Denial().Status != http.StatusForbidden {
		t.Errorf("status %d", ws.Denial().Status)
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
