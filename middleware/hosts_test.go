package middleware_test

import (
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/middleware"
)

func TestHosts(t *testing.T) {
	for _, test := range []struct {
		allow, host, want string
	}{
		{"example.com", "example.com", ""},
		{"example.com", "EXAMPLE.com:8080", ""},
		{"example.com", "a.example.com", "not-allowed"},
		{".example.com", "a.example.com", ""},
		{".example.com", "example.com", ""},
		{".example.com", "badexample.com", "not-allowed"},
		{"example.com:8080", "example.com:8080", ""},
		{"example.com:8080", "example.com", "not-allowed"},
		{"example.com:80", "example.com", ""},
		{"example.com", "example.com.", ""},
		{"example.com", "Example.com.:8080", ""},
		{".example.com", "a.example.com.", ""},
		{"example.com:80", "example.com.", ""},
		{"example.com", "example.com..", "not-allowed"},
		{"example.com", ".", "malformed"},
		{"[::1]", "[::1]:8000", ""},
		{"*", "anything", ""},
		{"*", "", "missing"},
		{"example.com", "", "missing"},
		{"example.com", "example.com@evil.org", "malformed"},
		{"example.com", "example.com/", "malformed"},
		{"example.com", "example.com:", "malformed"},
		{"example.com", "example.com, evil.org", "malformed"},
		{"example.com", "exämple.com", "malformed"},
		{"example.com", "[::1", "malformed"},
		{"*", strings.Repeat("a", 10<<20), "malformed"},
	} {
		hosts := middleware.NewHosts(middleware.HostsOptions{Allow: []string{test.allow}})
		r := get("/")
		r.Host = test.host
		err := hosts.Check(&parley.Scope{Protocol: parley.HTTP, Request: r})
		if got := reasonOf(t, err); got != test.want {
			t.Errorf("%s: Host %.50q: %q, want %q", test.allow, test.host, got, test.want)
		}
		if test.want != "" && test.host != "" {
			refusedBoth(t, hosts.Wrap, 400, r)
		}
	}
}

func TestHostsPassOthers(t *testing.T) {
	passesOthers(t, middleware.NewHosts(middleware.HostsOptions{Allow: []string{"*"}}).Wrap)
}
