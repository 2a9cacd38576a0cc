package origin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
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
	if v.Allowed() {
		t.Error("allowed by nobody")
	}
	if origin.Allow(context.WithoutCancel(ctx)); !v.Allowed() {
		t.Error("not allowed")
	}
}
