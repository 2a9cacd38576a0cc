package middleware_test

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

func TestTrustedProxies(t *testing.T) {
	const xff, xfp, xfh, fwd = "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"
	const peer, foreign = "192.0.2.1:9", "203.0.113.9:9"
	x := middleware.ProxiesOptions{Trust: []string{"10.0.0.0/8", "192.0.2.1", "2001:db8::/32"}}
	xh, f := x, x
	xh.Host, f.Forwarded, f.Host = true, true, true
	everybody := middleware.ProxiesOptions{
		Trust: []string{"0.0.0.0/0", "::/0"}, InsecureTrustEveryone: true,
	}
	type headers []string
	for _, test := range []struct {
		name    string
		options middleware.ProxiesOptions
		peer    string
		headers headers
		want    string // address, scheme and host if it is another, or "" for nobody
	}{
		{"no trusted set", middleware.ProxiesOptions{}, peer, headers{xff, "1.2.3.4"}, ""},
		{"peer not trusted", x, foreign, headers{xff, "1.2.3.4", xfp, "https"}, ""},
		{"peer trusted", x, peer, headers{xff, "1.2.3.4"}, "1.2.3.4:0 http"},
		{"no headers", x, peer, nil, ""},
		{"from the right", x, peer, headers{xff, "6.6.6.6, 1.2.3.4, 10.1.1.1"}, "1.2.3.4:0 http"},
		{
			"all lines joined", x, peer,
			headers{xff, "6.6.6.6, 1.2.3.4", xff, "10.1.1.1"}, "1.2.3.4:0 http",
		},
		{"all trusted: leftmost", x, peer, headers{xff, "10.3.3.3, 10.1.1.1"}, "10.3.3.3:0 http"},
		{"everybody: leftmost", everybody, foreign, headers{xff, "6.6.6.6, 1.2.3.4"}, "6.6.6.6:0 http"},
		{"scheme", x, peer, headers{xff, "1.2.3.4", xfp, "https"}, "1.2.3.4:0 https"},
		{"scheme alone", x, peer, headers{xfp, "https"}, "192.0.2.1:9 https"},
		{
			"scheme of each", x, peer,
			headers{xff, "1.2.3.4, 10.1.1.1", xfp, "https, http"}, "1.2.3.4:0 https",
		},
		{
			"scheme forged at the left", x, peer,
			headers{xff, "6.6.6.6, 1.2.3.4", xfp, "https, http"}, "1.2.3.4:0 http",
		},
		{
			"scheme count differs: last", x, peer,
			headers{xff, "1.2.3.4", xfp, "https, http"}, "1.2.3.4:0 http",
		},
		{"scheme of a socket", x, peer, headers{xff, "1.2.3.4", xfp, "wss"}, "1.2.3.4:0 https"},
		{"bad scheme", x, peer, headers{xff, "1.2.3.4", xfp, "gopher"}, "malformed"},
		{"host is not believed", x, peer, headers{xff, "1.2.3.4", xfh, "evil.org"}, "1.2.3.4:0 http"},
		{
			"host", xh, peer,
			headers{xff, "1.2.3.4", xfh, "shop.example:8443"}, "1.2.3.4:0 http shop.example:8443",
		},
		{"bad host", xh, peer, headers{xff, "1.2.3.4", xfh, "a/b"}, "malformed"},
		{"port", x, peer, headers{xff, "1.2.3.4:5678"}, "1.2.3.4:5678 http"},
		{"IPv6", x, peer, headers{xff, "2a00::1"}, "[2a00::1]:0 http"},
		{"IPv6 with brackets", x, peer, headers{xff, "[2a00::1]"}, "[2a00::1]:0 http"},
		{"IPv6 with port", x, peer, headers{xff, "[2a00::1]:443"}, "[2a00::1]:443 http"},
		{"IPv6 peer", x, "[2001:db8::7]:9", headers{xff, "1.2.3.4"}, "1.2.3.4:0 http"},
		{"IPv4 in IPv6 peer", x, "[::ffff:10.0.0.1]:9", headers{xff, "1.2.3.4"}, "1.2.3.4:0 http"},
		{"no address", x, peer, headers{xff, "localhost"}, "malformed"},
		{"no address beyond the client", x, peer, headers{xff, "<script>, 1.2.3.4"}, "1.2.3.4:0 http"},
		{"empty", x, peer, headers{xff, ""}, "192.0.2.1:9 http"},
		{"all empty", xh, peer, headers{xff, "", xfp, "", xfh, ""}, "192.0.2.1:9 http"},
		{"appended to an empty one", x, peer, headers{xff, ", 1.2.3.4"}, "1.2.3.4:0 http"},
		{"a line after an empty one", x, peer, headers{xff, "", xff, "1.2.3.4"}, "1.2.3.4:0 http"},
		{"nearest proxy tells nothing", x, peer, headers{xff, "6.6.6.6,"}, "192.0.2.1:9 http"},
		{"scheme with an empty address", x, peer, headers{xff, "", xfp, "https"}, "192.0.2.1:9 https"},
		{"empty Forwarded", f, peer, headers{fwd, ""}, "192.0.2.1:9 http"},
		{"unknown", x, peer, headers{xff, "unknown, 10.1.1.1"}, "10.1.1.1:0 http"},
		{"huge", x, peer, headers{xff, strings.Repeat("1.2.3.4,", 2<<20) + "1.2.3.4"}, "malformed"},
		{"Forwarded is not read", x, peer, headers{fwd, "for=6.6.6.6"}, ""},

		{
			"RFC 7239", f, peer,
			headers{fwd, "for=1.2.3.4;proto=https;host=shop.example"}, "1.2.3.4:0 https shop.example",
		},
		{
			"RFC 7239 case", f, peer,
			headers{fwd, `For="[2A00::1]:4711"; Proto=HTTPS`}, "[2a00::1]:4711 https",
		},
		{
			"RFC 7239 chain", f, peer,
			headers{fwd, "for=6.6.6.6;proto=https, for=1.2.3.4;proto=http", fwd, "for=10.1.1.1"},
			"1.2.3.4:0 http",
		},
		{"RFC 7239 comma in quotes", f, peer, headers{fwd, `for=1.2.3.4;by="a,b\"c"`}, "1.2.3.4:0 http"},
		{"RFC 7239 hidden", f, peer, headers{fwd, "for=_hidden, for=10.1.1.1"}, "10.1.1.1:0 http"},
		{"RFC 7239 obfuscated port", f, peer, headers{fwd, `for="1.2.3.4:_x"`}, "1.2.3.4:0 http"},
		{"RFC 7239 open quote", f, peer, headers{fwd, `for="1.2.3.4`}, "malformed"},
		{"RFC 7239 twice", f, peer, headers{fwd, "for=1.2.3.4;for=6.6.6.6"}, "malformed"},
		{"RFC 7239 no value", f, peer, headers{fwd, "for"}, "malformed"},
		{"RFC 7239 not ASCII", f, peer, headers{fwd, "for=ä"}, "malformed"},
		{"RFC 7239 bare IPv6", f, peer, headers{fwd, "for=2a00::1"}, "malformed"},
		{"X-Forwarded is not read", f, peer, headers{xff, "6.6.6.6"}, ""},

		{
			"unix peer", middleware.ProxiesOptions{Trust: []string{"unix"}}, "@",
			headers{xff, "1.2.3.4"}, "1.2.3.4:0 http",
		},
		{"unix peer not trusted", x, "@", headers{xff, "1.2.3.4"}, ""},
	} {
		t.Run("C6 "+test.name, func(t *testing.T) {
			proxies := middleware.NewTrustedProxies(test.options)
			r := get("http://example.com/", test.headers...)
			r.URL.Scheme, r.URL.Host, r.RemoteAddr = "", "", test.peer
			before := *r
			var got string
			app := parley.AppFunc(
				func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
					if scope.Request.URL.Scheme != "" {
						got = scope.Request.RemoteAddr + " " + scope.Scheme()
						if scope.Request.Host != "example.com" {
							got += " " + scope.Request.Host
						}
						// What handlers redirect to.
						address := scope.Scheme() + "://" + scope.Request.Host + "/"
						if scope.Request.URL.String() != address {
							t.Errorf("URL is %q", scope.Request.URL)
						}
						if peer, _ := scope.Client(); peer.String() != scope.Request.RemoteAddr {
							t.Errorf("Client is %v", peer)
						}
					}
					return parley.Respond(ctx, conn, 200, nil, nil)
				},
			)
			response := parleytest.Do(t, proxies.Wrap(app), r)
			if response.Status == http.StatusBadRequest {
				got = reasonOf(t, proxies.Check(&parley.Scope{Protocol: parley.HTTP, Request: r}))
			}
			if got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
			if r.RemoteAddr != before.RemoteAddr || r.Host != before.Host || r.URL.String() != "/" {
				t.Error("the scope above was changed")
			}
		})
	}
}

func TestTrustedProxiesOnSocket(t *testing.T) {
	var scheme string
	var ip netip.Addr
	app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		client, _ := scope.Client()
		scheme, ip = scope.Scheme(), client.Addr()
		return conn.Send(ctx, parley.WebSocketDeny{})
	})
	proxies := middleware.NewTrustedProxies(middleware.ProxiesOptions{Trust: []string{"192.0.2.1"}})
	r := get("/", "X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "https")
	parleytest.Dial(t, proxies.Wrap(app), r).Denial()
	if scheme != "wss" || ip != netip.MustParseAddr("1.2.3.4") {
		t.Errorf("%s %v", scheme, ip)
	}
	passesOthers(t, proxies.Wrap)
	refusedBoth(t, proxies.Wrap, 400, get("/", "X-Forwarded-For", "?"))
}

// TestPeersWithoutAddress: whoever is trusted on a unix socket comes by one.
func TestPeersWithoutAddress(t *testing.T) {
	for remote, socket := range map[string]bool{
		"": true, "@": true, "/run/app.sock": true,
		"pipe": false, "192.0.2.1": false, "192.0.2.1:9": false, "[::1]:9": false, "proxy:9": false,
	} {
		for trust, want := range map[string]bool{"unix": socket, "10.0.0.0/8": false} {
			proxies := middleware.NewTrustedProxies(
				middleware.ProxiesOptions{Trust: []string{trust}},
			)
			r := get("/", "X-Forwarded-For", "1.2.3.4")
			r.RemoteAddr = remote
			client, err := proxies.Client(&parley.Scope{Protocol: parley.HTTP, Request: r})
			if (client != nil) != want || err != nil {
				t.Errorf("%q, %s is trusted: %v, %v", remote, trust, client, err)
			}
		}
	}
}

// TestForwardedBytes: what may stand in tokens and in quoted strings, and how much.
func TestForwardedBytes(t *testing.T) {
	proxies := middleware.NewTrustedProxies(middleware.ProxiesOptions{
		Trust: []string{"192.0.2.1"}, Forwarded: true,
	})
	const most = 8 << 10
	const client = `;for=1.2.3.4`
	padding := func(size int) string {
		return `by=` + strings.Repeat("a", size-len(`by=`+client)) + client
	}
	for header, want := range map[string]bool{
		`by="a b"` + client: true, `by="a\"b"` + client: true, `by=a~!` + client: true,
		"by=\"a\x7fb\"" + client: false, "by=\"a\x1fb\"" + client: false,
		"by=a\x7f" + client: false, "by=\x7f" + client: false, `by=` + client: false,
		`by="a` + client: false,
		padding(most):    true, padding(most + 1): false,
	} {
		r := get("/", "Forwarded", header)
		got, err := proxies.Client(&parley.Scope{Protocol: parley.HTTP, Request: r})
		if (got != nil && err == nil) != want {
			t.Errorf("%.40q, %d bytes: %v, %v", header, len(header), got, err)
		}
	}
}

// TestXForwardedSize: no more is read of a list than is fit to be one.
func TestXForwardedSize(t *testing.T) {
	proxies := middleware.NewTrustedProxies(middleware.ProxiesOptions{Trust: []string{"192.0.2.1"}})
	for size, want := range map[int]bool{8 << 10: true, 8<<10 + 1: false} {
		r := get("/", "X-Forwarded-For", strings.Repeat(" ", size-len("1.2.3.4"))+"1.2.3.4")
		got, err := proxies.Client(&parley.Scope{Protocol: parley.HTTP, Request: r})
		if (got != nil && err == nil) != want {
			t.Errorf("%d bytes: %v, %v", size, got, err)
		}
	}
}

func FuzzForwarded(f *testing.F) {
	f.Add("for=1.2.3.4;proto=https, for=10.1.1.1", true)
	f.Add(`For="[2a00::1]:4711";by=_x;host="a:1"`, true)
	f.Add("1.2.3.4, [::1]:80, unknown", false)
	f.Add(`for="\`, true)
	x := middleware.ProxiesOptions{Trust: []string{"192.0.2.1", "10.0.0.0/8"}, Host: true}
	rfc := x
	rfc.Forwarded = true
	proxies := map[bool]*middleware.TrustedProxies{
		false: middleware.NewTrustedProxies(x), true: middleware.NewTrustedProxies(rfc),
	}
	f.Fuzz(func(t *testing.T, text string, forwarded bool) {
		r := get("/", "Forwarded", text, "X-Forwarded-For", text, "X-Forwarded-Host", text)
		client, err := proxies[forwarded].Client(&parley.Scope{Protocol: parley.HTTP, Request: r})
		switch {
		case err != nil && reasonOf(t, err) != "malformed", err != nil && client != nil:
			t.Errorf("%v, %v", client, err)
		case err == nil && (!client.IP.IsValid() || strings.ContainsAny(client.Host, " /@\r\n\"")):
			t.Errorf("%+v", client)
		}
	})
}
