package middleware_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/middleware"
)

// mistake is one in the wiring: it panics at start-up, with words that say what is
// wrong, and what to write instead where that is known.
type mistake struct {
	name  string
	make  func()
	words []string
}

func TestMistakes(t *testing.T) {
	for _, test := range append(mistakesInOptions(), withoutApp()...) {
		t.Run(test.name, func(t *testing.T) {
			defer func() {
				got := fmt.Sprint(recover())
				for _, word := range append(test.words, "middleware: ") {
					if !strings.Contains(got, word) {
						t.Errorf("panicked with %q, want %q", got, word)
					}
				}
			}()
			test.make()
		})
	}
}

func mistakesInOptions() []mistake {
	type rate = middleware.Rate
	hosts := func(allow ...string) func() {
		return func() { middleware.NewHosts(middleware.HostsOptions{Allow: allow}) }
	}
	trust := func(proxy string) func() {
		return func() { middleware.NewTrustedProxies(middleware.ProxiesOptions{Trust: []string{proxy}}) }
	}
	limit := func(options middleware.RateLimitOptions) func() {
		return func() { middleware.NewRateLimit(options) }
	}
	return []mistake{
		{"no decision", func() { middleware.Check(nil, nil) }, []string{"Check of a nil function"}},
		{"origin of another dialect", func() {
			middleware.NewOrigin(middleware.OriginOptions{Allow: []string{"*.example.com"}})
		}, []string{"OriginOptions.Allow", `write ".example.com"`}},
		{"no host", hosts(), []string{"no host is allowed", "Localhost()"}},
		{
			"host of another dialect",
			hosts("*.example.com"),
			[]string{"HostsOptions.Allow", `write ".example.com"`},
		},
		{
			"host with a scheme",
			hosts("https://example.com"),
			[]string{"has a scheme", `write "example.com"`},
		},
		{
			"domain with a scheme",
			hosts("https://.example.com:8443"),
			[]string{`write ".example.com:8443"`},
		},
		{
			"everybody is a proxy",
			trust("0.0.0.0/0"),
			[]string{"ProxiesOptions.Trust", "trusts everybody"},
		},
		{"everybody of IPv6", trust("::/0"), []string{"trusts everybody"}},
		{"name of a proxy", trust("proxy.example"), []string{`"proxy.example"`, "no address"}},
		{"body limit", func() { middleware.NewBodyLimit(middleware.BodyLimitOptions{Max: -1}) },
			[]string{"BodyLimitOptions.Max: -1 is negative"}},
		{
			"message limit",
			func() { middleware.MessageLimit(0) },
			[]string{"MessageLimit", "must be positive"},
		},
		{
			"time-out",
			func() { middleware.Timeout(0, middleware.TimeoutOptions{}) },
			[]string{"must be positive"},
		},
		{
			"time-out's status",
			func() { middleware.Timeout(time.Second, middleware.TimeoutOptions{Status: 200}) },
			[]string{"TimeoutOptions.Status: 200"},
		},
		{"no limit", limit(middleware.RateLimitOptions{}), []string{"without a limit"}},
		{
			"no limits",
			limit(middleware.RateLimitOptions{Messages: rate{PerSecond: -1}, Connections: -1}),
			[]string{"without a limit"},
		},
		{"burst of nothing", limit(middleware.RateLimitOptions{Messages: rate{Burst: 1}}),
			[]string{"Messages.Burst: without a PerSecond"}},
		{"negative burst", limit(middleware.RateLimitOptions{Bytes: rate{PerSecond: 1, Burst: -1}}),
			[]string{"Bytes.Burst: -1 is negative"}},
		{"no number", limit(middleware.RateLimitOptions{Requests: rate{PerSecond: math.NaN()}}),
			[]string{"Requests.PerSecond: is not a number"}},
		{
			"negative keys",
			limit(middleware.RateLimitOptions{Requests: rate{PerSecond: 1}, MaxKeys: -1}),
			[]string{"MaxKeys: -1 is negative"},
		},
	}
}

// withoutApp has every middleware stand in front of nothing.
func withoutApp() (list []mistake) {
	local := []string{"127.0.0.0/8"}
	for name, wrap := range map[string]parley.Middleware{
		"AccessLog":      middleware.AccessLog(middleware.AccessLogOptions{}),
		"BodyLimit":      middleware.NewBodyLimit(middleware.BodyLimitOptions{}).Wrap,
		"Check":          middleware.Check(func(*parley.Scope) error { return nil }, nil),
		"Hosts":          middleware.NewHosts(middleware.HostsOptions{Allow: []string{"a"}}).Wrap,
		"MessageLimit":   middleware.MessageLimit(1),
		"Origin":         middleware.NewOrigin(middleware.OriginOptions{}).Wrap,
		"RateLimit":      middleware.NewRateLimit(middleware.RateLimitOptions{Connections: 1}).Wrap,
		"Recover":        middleware.Recover(middleware.RecoverOptions{}),
		"RequestID":      middleware.RequestID(middleware.RequestIDOptions{}),
		"Timeout":        middleware.Timeout(time.Second, middleware.TimeoutOptions{}),
		"TrustedProxies": middleware.NewTrustedProxies(middleware.ProxiesOptions{Trust: local}).Wrap,
	} {
		list = append(
			list,
			mistake{name + " of nothing", func() { wrap(nil) }, []string{name, "of a nil app"}},
			mistake{
				name + " of no function",
				func() { wrap(parley.AppFunc(nil)) },
				[]string{name, "of a nil app"},
			},
		)
	}
	return list
}
