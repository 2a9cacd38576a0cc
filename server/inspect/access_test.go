package inspect

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func quiet(options Options) Options {
	options.Logger = slog.New(slog.DiscardHandler)
	return options
}

// Who may see the page: nobody but a browser on this machine, under a name that is this
// machine's, unless the options say otherwise.
func TestAccess(t *testing.T) {
	anybody := Options{Allow: func(*http.Request) bool { return true }}
	nobody := Options{Allow: func(*http.Request) bool { return false }}
	named := Options{Hosts: []string{"Ops.example.com"}}
	far := func(r *http.Request) { r.RemoteAddr = "203.0.113.7:4711" }
	host := func(name string) func(r *http.Request) {
		return func(r *http.Request) { r.Host = name }
	}
	header := func(lines ...string) func(r *http.Request) {
		return func(r *http.Request) {
			for i := 0; i < len(lines); i += 2 {
				r.Header.Set(lines[i], lines[i+1])
			}
		}
	}
	for _, test := range []struct {
		name    string
		options Options
		change  func(r *http.Request)
		want    string // of the reason; "": let in
	}{
		{"loopback", Options{}, func(*http.Request) {}, ""},
		{"loopback by IPv6", Options{}, func(r *http.Request) {
			r.RemoteAddr, r.Host = "[::1]:4711", "[::1]:8080"
		}, ""},
		{"mapped to IPv6", Options{}, func(r *http.Request) { r.RemoteAddr = "[::ffff:127.0.0.1]:1" }, ""},
		{"another loopback", Options{}, func(r *http.Request) { r.RemoteAddr = "127.8.9.1:1" }, ""},
		{"localhost without a port", Options{}, host("localhost"), ""},
		{"localhost with a dot", Options{}, host("LOCALHOST.:8080"), ""},

		{"foreign", Options{}, far, "not on this machine"},
		{"foreign, and says it is here", Options{}, func(r *http.Request) {
			far(r)
			r.Header.Set("X-Forwarded-For", "127.0.0.1")
		}, "not on this machine"},
		{"foreign IPv6", Options{}, func(r *http.Request) { r.RemoteAddr = "[2001:db8::1]:1" }, "not on this"},
		{"unix socket", Options{}, func(r *http.Request) { r.RemoteAddr = "@" }, "not on this machine"},
		{"no address", Options{}, func(r *http.Request) { r.RemoteAddr = "" }, "not on this machine"},

		{"rebinding", Options{}, host("evil.example:8080"), "Host"},
		{"looks like an address", Options{}, host("127.0.0.1.evil.example"), "Host"},
		{"looks like localhost", Options{}, host("localhost.evil.example"), "Host"},
		{"the network's address", Options{}, host("192.0.2.1:8080"), "Host"},
		{"no Host", Options{}, host(""), "Host"},
		{"no name at all", Options{}, host("a b"), "Host"},
		{"rebinding to who is allowed", anybody, host("evil.example"), "Host"},
		{"named", named, host("ops.EXAMPLE.com:8443"), ""},
		{"named otherwise", named, host("ops.example.com.evil.example"), "Host"},

		{"proxy", Options{}, header("X-Forwarded-For", "203.0.113.7"), "proxy: X-Forwarded-For"},
		{"proxy that adds its loopback", Options{}, header("X-Forwarded-For", "127.0.0.1"), "proxy"},
		{"proxy by the standard", Options{}, header("Forwarded", "for=203.0.113.7"), "proxy: Forwarded"},
		{"proxy, empty", Options{}, header("X-Real-Ip", ""), "proxy: X-Real-Ip"},
		{"proxy with Via", Options{}, header("Via", "1.1 varnish"), "proxy: Via"},
		{"cloudflare", Options{}, header("Cf-Connecting-Ip", "203.0.113.7"), "proxy"},
		{"proxy that says nothing", Options{}, func(r *http.Request) {
			r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0
		}, "HTTP/1.0"},
		{"proxy, and allowed", anybody, header("X-Forwarded-For", "203.0.113.7"), ""},
		{"foreign, and allowed", anybody, far, ""},
		{"loopback, and not allowed", nobody, func(*http.Request) {}, "Allow"},

		{"followed a link", Options{}, header("Sec-Fetch-Site", "cross-site",
			"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"), ""},
		{"in a frame", Options{}, header("Sec-Fetch-Site", "cross-site",
			"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"), "another site"},
		{"as an image", Options{}, header("Sec-Fetch-Site", "cross-site",
			"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"), "another site"},
		{"fetched by another port", Options{}, header("Sec-Fetch-Site", "same-site",
			"Sec-Fetch-Mode", "cors", "Origin", "http://127.0.0.1:9"), "another site"},
		{"fetched by another site, allowed", anybody, header("Sec-Fetch-Site", "cross-site",
			"Origin", "https://evil.example"), "another site"},
		{"fetched by an old browser", Options{}, header("Origin", "https://evil.example"), "another site"},
		{"fetched by a file", Options{}, header("Origin", "null"), "another site"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, path := range []string{"/inspect/", "/inspect/style.css", "/inspect/kick"} {
				r := httptest.NewRequest("GET", "http://127.0.0.1:8080"+path, nil)
				r.RemoteAddr = "127.0.0.1:4711"
				test.change(r)
				w := httptest.NewRecorder()
				Handler(quiet(test.options)).ServeHTTP(w, r)
				body := w.Body.String()
				if refused := w.Code == http.StatusForbidden; refused != (test.want != "") ||
					refused && !strings.Contains(body, test.want) {
					t.Errorf("%s: %d %q, want %q", path, w.Code, body, test.want)
				}
			}
		})
	}
}

// Nothing is changed but by the page itself.
func TestActsAreGuarded(t *testing.T) {
	drains := 0
	h := Handler(quiet(Options{Drain: func() { drains++ }})).(*inspector)
	const page = "http://127.0.0.1:8080"
	for _, test := range []struct {
		name, method, path, body string
		header                   []string
		want                     int
	}{
		{"the page", "POST", "drain", `{"id":"0"}`, []string{"Parley-Inspect", h.token, "Origin", page,
			"Sec-Fetch-Site", "same-origin"}, 202},
		{"a program with the token", "POST", "drain", `{"id":"0"}`, []string{"Parley-Inspect", h.token}, 202},
		{"nobody of that number", "POST", "kick", `{"id":"1"}`, []string{"Parley-Inspect", h.token}, 404},
		{"without a token", "POST", "drain", `{"id":"0"}`, []string{"Origin", page,
			"Sec-Fetch-Site", "same-origin"}, 403},
		{"with another token", "POST", "drain", `{"id":"0"}`, []string{"Parley-Inspect", h.token[1:]}, 403},
		{"another site with the token", "POST", "drain", `{"id":"0"}`, []string{"Parley-Inspect", h.token,
			"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		{"a form of another site", "POST", "drain", `{"id":"0"}`, []string{"Origin", "https://evil.example",
			"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document",
			"Content-Type", "text/plain"}, 403},
		{"by a link", "GET", "drain", "", []string{"Parley-Inspect", h.token}, 405},
		{"a file", "POST", "style.css", "", nil, 405},
		{"no order", "POST", "kick", `kick`, []string{"Parley-Inspect", h.token}, 400},
		{"no number", "POST", "kick", `{"id":"x"}`, []string{"Parley-Inspect", h.token}, 400},
		{"a large order", "POST", "kick", strings.Repeat(" ", 2000), []string{"Parley-Inspect", h.token}, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := drains
			r := httptest.NewRequest(test.method, page+"/"+test.path, strings.NewReader(test.body))
			r.RemoteAddr = "127.0.0.1:4711"
			for i := 0; i < len(test.header); i += 2 {
				r.Header.Set(test.header[i], test.header[i+1])
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != test.want || (drains > before) != (test.want == 202) {
				t.Errorf("%d %q and %d drains, want %d", w.Code, w.Body, drains-before, test.want)
			}
		})
	}
}

// Where nobody can drain, the page is told.
func TestNobodyDrains(t *testing.T) {
	h := Handler(quiet(Options{})).(*inspector)
	r := httptest.NewRequest("POST", "http://localhost/drain", strings.NewReader(`{"id":"0"}`))
	r.RemoteAddr = "127.0.0.1:4711"
	r.Header.Set("Parley-Inspect", h.token)
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusNotImplemented {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}
