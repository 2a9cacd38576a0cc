package parley_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/parleygo/parley"
)

func TestScopeClone(t *testing.T) {
	make := func() *parley.Scope {
		r := httptest.NewRequest("GET", "http://example.com/a", nil)
		r.Header.Set("X-A", "1")
		return &parley.Scope{
			Protocol: parley.WebSocket, Request: r, RootPath: "/r",
			Subprotocols: []string{"chat"}, Extensions: []parley.Extension{parley.ExtensionDenial},
		}
	}
	scope := make()
	clone := scope.Clone()
	if !reflect.DeepEqual(clone, scope) {
		t.Fatalf("the clone is %+v", clone)
	}
	clone.RootPath = "/other"
	clone.Subprotocols[0] = "other"
	clone.Extensions[0] = parley.ExtensionDebug
	clone.Request.URL.Path = "/other"
	clone.Request.Method = "PUT"
	clone.Request.Header.Set("X-A", "2")
	clone.Request.Header.Set("X-B", "1")
	if want := make(); !reflect.DeepEqual(scope, want) {
		t.Errorf("changing the clone made the scope %+v", scope)
	}
	if bare := (&parley.Scope{Protocol: parley.Lifespan}).Clone(); bare.Request != nil {
		t.Errorf("a request came out of nowhere: %+v", bare)
	}
}

func TestScopeClonePathValues(t *testing.T) {
	scope := &parley.Scope{Request: httptest.NewRequest("GET", "/", nil)}
	scope.Request.SetPathValue("id", "1")
	clone := scope.Clone()
	clone.Request.SetPathValue("id", "2")
	if scope.PathValue("id") != "1" || clone.PathValue("id") != "2" {
		t.Errorf("path values %q and %q", scope.PathValue("id"), clone.PathValue("id"))
	}
}

// TestScopeCloneHeaderValues: adding to a header in place is a change too.
func TestScopeCloneHeaderValues(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["X-A"] = append(make([]string, 0, 2), "1")
	scope := &parley.Scope{Request: r}
	clone := scope.Clone()
	clone.Request.Header["X-A"][0] = "changed"
	clone.Request.Header.Add("X-A", "2")
	if got := scope.Request.Header["X-A"]; got[0] != "1" || got[:2][1] != "" {
		t.Errorf("the scope's header has become %q", got[:2])
	}
}

func TestRoutePath(t *testing.T) {
	for _, row := range []struct {
		target, root  string
		path, escaped string
		below         bool
	}{
		{"/a/b", "", "/a/b", "/a/b", true},
		{"/a/b", "/", "/a/b", "/a/b", true},
		{"/a/b", "/a", "/b", "/b", true},
		{"/a/b", "/a/b", "/", "/", true},
		{"/a/b/", "/a/b", "/", "/", true},
		{"/ab", "/a", "/ab", "/ab", false},
		{"/b", "/a", "/b", "/b", false},
		{"/a", "/a/b", "/a", "/a", false},
		{"/a%2Fb/c", "/a", "/b/c", "/a%2Fb/c", false}, // only unescaped it begins with the root
		{"/x/a%2Fb", "/x", "/a/b", "/a%2Fb", true},
		{"/caf%C3%A9/b", "/café", "/b", "/b", true},
		{"/a//b", "/a", "//b", "//b", true},
	} {
		scope := &parley.Scope{Request: httptest.NewRequest("GET", row.target, nil), RootPath: row.root}
		if got := scope.RoutePath(); got != row.path {
			t.Errorf("%s below %q: %q, want %q", row.target, row.root, got, row.path)
		}
		if got, ok := scope.EscapedRoutePath(); got != row.escaped || ok != row.below {
			t.Errorf("%s below %q escaped: %q, %v, want %q, %v", row.target, row.root, got, ok, row.escaped, row.below)
		}
	}
}

func TestUnder(t *testing.T) {
	scope := &parley.Scope{Request: httptest.NewRequest("GET", "/a%2Fb/c%20d/e", nil)}
	if scope.Nested() {
		t.Error("nested from the start")
	}
	below := scope.Under("/a%2Fb").Under("/c%20d")
	if below.RootPath != "/a/b/c d" || below.RoutePath() != "/e" || !below.Nested() {
		t.Errorf("root %q, path %q", below.RootPath, below.RoutePath())
	}
	if path, ok := below.EscapedRoutePath(); path != "/e" || !ok {
		t.Errorf("escaped %q, %v", path, ok)
	}
	if scope.RootPath != "" || scope.RoutePath() != "/a/b/c d/e" || below.Request != scope.Request {
		t.Error("the scope above has changed")
	}
}

// What few scopes have goes on to those below, in any order, and to no other.
func TestSeldomScopes(t *testing.T) {
	scope := &parley.Scope{Request: httptest.NewRequest("GET", "/a%2Fb/c", nil)}
	for name, below := range map[string]*parley.Scope{
		"scheme first": scope.WithScheme("https").Under("/a%2Fb"),
		"scheme last":  scope.Under("/a%2Fb").WithScheme("https"),
		"a clone":      scope.Under("/a%2Fb").WithScheme("https").Clone(),
	} {
		path, _ := below.EscapedRoutePath()
		if path != "/c" || !below.Nested() || below.Scheme() != "https" {
			t.Errorf("%s: %q, nested %v, %s", name, path, below.Nested(), below.Scheme())
		}
	}
	if scope.Nested() || scope.Scheme() != "http" {
		t.Error("the scope above has changed")
	}
}

func TestScopeWithoutRequest(t *testing.T) {
	scope := &parley.Scope{Protocol: parley.Lifespan}
	path, ok := scope.EscapedRoutePath()
	_, client := scope.Client()
	if scope.Method()+scope.RoutePath()+scope.PathValue("x")+path != "" || ok || client {
		t.Error("a scope without a request has none of its parts")
	}
}

func TestScopeFacts(t *testing.T) {
	r := httptest.NewRequest("get", "/", nil)
	r.RemoteAddr = "[2001:db8::1]:80"
	r.SetPathValue("id", "7")
	scope := &parley.Scope{Protocol: parley.HTTP, Request: r, Extensions: []parley.Extension{parley.ExtensionDebug}}
	if scope.Method() != "GET" || scope.PathValue("id") != "7" || scope.Scheme() != "http" {
		t.Errorf("%s %s %s", scope.Method(), scope.PathValue("id"), scope.Scheme())
	}
	if !scope.Supports(parley.ExtensionDebug) || scope.Supports(parley.ExtensionTrailers) {
		t.Error("extensions")
	}
	if client, ok := scope.Client(); !ok || client.String() != r.RemoteAddr {
		t.Errorf("client %v", client)
	}
	r.TLS, scope.Protocol, r.RemoteAddr = new(tls.ConnectionState), parley.WebSocket, "@"
	if _, ok := scope.Client(); ok || scope.Scheme() != "wss" || scope.WithScheme("ws").Scheme() != "ws" {
		t.Errorf("scheme %s", scope.Scheme())
	}
}

func FuzzUnder(f *testing.F) {
	f.Add("/a/b/c", "/a/b")
	f.Add("/a%2Fb/c", "/a%2Fb")
	f.Add("/a%2fb/", "/a%2fb")
	f.Fuzz(func(t *testing.T, path, prefix string) {
		r := httptest.NewRequest("GET", "/", nil)
		parsed, err := r.URL.Parse(path)
		if err != nil || parsed.Path == "" || parsed.Path[0] != '/' {
			return
		}
		r.URL = parsed
		below := (&parley.Scope{Request: r}).Under(prefix)
		rest, ok := below.EscapedRoutePath()
		if ok && prefix != "" && prefix != "/" && rest != "/" && prefix+rest != r.URL.EscapedPath() {
			t.Errorf("%q is not %q and %q", r.URL.EscapedPath(), prefix, rest)
		}
		if !ok && rest != r.URL.EscapedPath() {
			t.Errorf("a path that is elsewhere is %q", rest)
		}
	})
}

// TestClientWithoutPort: middleware of net/http that looks behind proxies leaves an
// address alone.
func TestClientWithoutPort(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1:80", "192.0.2.1": "192.0.2.1:0",
		"[2001:db8::1]:80": "[2001:db8::1]:80", "2001:db8::1": "[2001:db8::1]:0",
		"[2001:db8::1]": "[2001:db8::1]:0", "fe80::1%eth0": "[fe80::1%eth0]:0",
		"": "", "@": "", "[": "", "]": "", "[]": "", "example.com:80": "", "192.0.2.1:": "",
	} {
		client, ok := (&parley.Scope{Request: &http.Request{RemoteAddr: remote}}).Client()
		if ok != (want != "") || ok && client.String() != want {
			t.Errorf("%q: %v, %v, want %q", remote, client, ok, want)
		}
	}
}
