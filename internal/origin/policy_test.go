package origin_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/parleygo/parley/internal/origin"
)

// TestFetchSite: where a browser says whose page it is, it is believed.
func TestFetchSite(t *testing.T) {
	own := origin.Rules{Self: true}
	list := origin.Rules{Allow: origin.MustPatterns("test", []string{"good.example"})}
	for _, c := range []struct {
		name                     string
		rules                    origin.Rules
		origin, site             string
		wantSocket, wantElsewise string // reasons
	}{
		{"own form without a referrer", own, "null", "same-origin", "", ""},
		{"own form, a list of others", list, "null", "same-origin", "malformed", ""},
		{"sandboxed page", own, "null", "cross-site", "malformed", "malformed"},
		{"no page, no word of it", own, "null", "", "malformed", "malformed"},
		{"Host was changed", own, "https://shop.example", "same-origin", "", ""},
		{"not the same scheme", own, "http://here.example", "cross-site", "cross-site", "cross-site"},
		{"two that contradict", own, "http://here.example", "same-origin, cross-site", "cross-site",
			"cross-site"},
		{"listed, of another site", list, "https://good.example", "cross-site", "", ""},
		{"not listed, of this site", list, "https://here.example", "same-origin", "not-allowed",
			"not-allowed"},
		{"native client", own, "ws://here.example", "", "", ""},
		{"native client with TLS", own, "wss://here.example", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy := origin.New(c.rules)
			r := httptest.NewRequest("POST", "http://here.example/", nil)
			r.Header["Origin"] = []string{c.origin}
			if c.site != "" {
				r.Header["Sec-Fetch-Site"] = []string{c.site}
			}
			expect(t, "handshake", policy.Handshake(r), c.wantSocket)
			expect(t, "request", policy.Request(r), c.wantElsewise)
		})
	}
}

func expect(t *testing.T, what string, refusal *origin.Refusal, want string) {
	t.Helper()
	got := ""
	if refusal != nil {
		got = refusal.Reason
	}
	if got != want {
		t.Errorf("%s: reason %q, want %q", what, got, want)
	}
}

// TestAgreesWithNetHTTP: what http.CrossOriginProtection lets in comes in here too,
// where the page is this host's own.
func TestAgreesWithNetHTTP(t *testing.T) {
	policy, standard := origin.New(origin.Rules{Self: true}), http.NewCrossOriginProtection()
	for _, from := range []string{"", "null", "http://here.example", "http://evil.example"} {
		for _, site := range []string{"", "none", "same-origin", "same-site", "cross-site"} {
			r := httptest.NewRequest("POST", "http://here.example/", nil)
			if from != "" {
				r.Header.Set("Origin", from)
			}
			if site != "" {
				r.Header.Set("Sec-Fetch-Site", site)
			}
			if got, want := policy.Request(r), standard.Check(r); (got == nil) != (want == nil) {
				t.Errorf("Origin %q, Sec-Fetch-Site %q: %v here, %v in net/http", from, site, got, want)
			}
		}
	}
}

func TestVerdict(t *testing.T) {
	origin.Allow(context.Background()) // nobody asks
	var v origin.Verdict
	ctx := v.With(t.Context())
	if v.Allowed() || !origin.Pending(ctx) {
		t.Error("allowed by nobody")
	}
	if origin.Allow(context.WithoutCancel(ctx)); !v.Allowed() || origin.Pending(ctx) {
		t.Error("not allowed")
	}
	if origin.Pending(t.Context()) {
		t.Error("a question that nobody asked")
	}
}

// TestKnownTLS: where TLS is certain, a page without it has another origin; where it
// is not, a proxy may have taken it off.
func TestKnownTLS(t *testing.T) {
	policy := origin.New(origin.Rules{Self: true})
	for _, c := range []struct {
		name      string
		tls       *tls.ConnectionState
		url, from string
		secure    bool
		want      string
	}{
		{"none, page with", nil, "http://here.example/", "https://here.example", false, ""},
		{"none, page without", nil, "http://here.example/", "http://here.example", false, ""},
		{"ours", &tls.ConnectionState{}, "/", "https://here.example", true, ""},
		{"ours, page without", &tls.ConnectionState{}, "/", "http://here.example", true, "not-allowed"},
		{"a proxy's", nil, "https://here.example/", "http://here.example", true, "not-allowed"},
		{"a proxy's socket", nil, "wss://here.example/", "ws://here.example", true, "not-allowed"},
		{"a proxy's socket, page with", nil, "wss://here.example/", "https://here.example", true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			target, err := url.Parse(c.url)
			if err != nil {
				t.Fatal(err)
			}
			header := http.Header{"Origin": {c.from}}
			r := &http.Request{Host: "here.example", URL: target, TLS: c.tls, Header: header}
			if origin.Secure(r) != c.secure {
				t.Errorf("secure: %v", !c.secure)
			}
			expect(t, "handshake", policy.Handshake(r), c.want)
		})
	}
	if origin.Secure(&http.Request{}) {
		t.Error("a request without a URL is secure")
	}
}

func TestHostThatIsNone(t *testing.T) {
	policy := origin.New(origin.Rules{Self: true})
	for _, host := range []string{"", ":80", "a b", "here.example:0"} {
		r := &http.Request{Host: host, Header: http.Header{"Origin": {"http://here.example"}}}
		expect(t, "Host "+host, policy.Handshake(r), "not-allowed")
	}
}

func TestAllowMissing(t *testing.T) {
	policy := origin.New(origin.Rules{Self: true, AllowMissing: true})
	r := httptest.NewRequest("GET", "http://here.example/", nil)
	expect(t, "none", policy.Handshake(r), "")
	r.Header.Set("Origin", "http://evil.example")
	expect(t, "another's", policy.Handshake(r), "not-allowed")
}

func TestRefusesAll(t *testing.T) {
	for _, c := range []struct {
		rules origin.Rules
		want  bool
	}{
		{origin.Rules{}, true},
		{origin.Rules{AllowMissing: true}, true}, // nobody with an Origin
		{origin.Rules{Self: true}, false},
		{origin.Rules{Allow: []origin.Pattern{{Any: true}}}, false},
	} {
		if got := origin.New(c.rules).RefusesAll(); got != c.want {
			t.Errorf("%+v: %v", c.rules, got)
		}
	}
}

// TestRefusalsSayWhat: the log names what was sent, and not all of what is huge.
func TestRefusalsSayWhat(t *testing.T) {
	policy := origin.New(origin.Rules{Self: true})
	huge := strings.Repeat("a", 1<<10)
	for _, c := range []struct{ reason, from, site, word string }{
		{"missing", "", "", "no Origin"},
		{"malformed", huge, "", `"` + huge[:100] + `"`},
		{"not-allowed", "http://evil.example", "", `"http://evil.example"`},
		{"cross-site", "http://here.example", "cross-site", `"cross-site"`},
	} {
		r := httptest.NewRequest("GET", "http://here.example/", nil)
		for name, value := range map[string]string{"Origin": c.from, "Sec-Fetch-Site": c.site} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		refusal := policy.Handshake(r)
		expect(t, c.word, refusal, c.reason)
		if text := refusal.Error(); !strings.Contains(text, c.word) || len(text) > 200 {
			t.Errorf("%s: %q", c.reason, text)
		}
	}
}
