package inspect

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/parleygo/parley/internal/origin"
)

// access decides who may see the page.
type access struct {
	allow func(r *http.Request) bool
	hosts []string
}

// refusal returns why a request is refused, or "".
func (a *access) refusal(r *http.Request) string {
	switch {
	case !a.knownHost(r.Host):
		return "the Host is not one of inspect.Options.Hosts"
	case fromElsewhere(r):
		return "a page of another site has sent it"
	case a.allow != nil && !a.allow(r):
		return "inspect.Options.Allow refuses it"
	case a.allow == nil:
		return notLocal(r)
	}
	return ""
}

// knownHost reports whether the page is called by one of its own names.
func (a *access) knownHost(text string) bool {
	host, _, ok := origin.SplitHost(text)
	if !ok {
		return false
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || slices.ContainsFunc(a.hosts, func(name string) bool {
		return strings.EqualFold(name, host)
	}) {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.Unmap().IsLoopback()
}

var ownPages = origin.New(origin.Rules{Self: true})

// fromElsewhere reports whether a browser says that a page of another site is behind
// the request. To follow a link is no harm: what changes anything is no GET.
func fromElsewhere(r *http.Request) bool {
	if r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" {
		return r.Header.Get("Sec-Fetch-Dest") != "document" // in a frame, say
	}
	return ownPages.Request(r) != nil
}

// proxied are headers that tell of a proxy: who is at its other end is not here.
var proxied = []string{
	"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
	"X-Forwarded-Port", "X-Forwarded-Server", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip",
	"X-Original-Forwarded-For", "X-Envoy-External-Address", "X-Request-Start", "True-Client-Ip",
	"Cf-Connecting-Ip", "Cf-Ray", "Fly-Client-Ip", "X-Appengine-User-Ip", "Ngrok-Trace-Id",
	"X-Amzn-Trace-Id", "X-Cloud-Trace-Context", "X-Arr-Ssl", "X-Traefik-Router",
}

// notLocal returns why a request is not one of this machine, or "". A proxy here is a
// local client like any other; most say what they are, and nginx, which need not,
// speaks HTTP/1.0 then as no browser does.
func notLocal(r *http.Request) string {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !addr.Addr().Unmap().IsLoopback() {
		return "the client is not on this machine"
	}
	if !r.ProtoAtLeast(1, 1) {
		return "HTTP/1.0 is what proxies speak"
	}
	for _, name := range proxied {
		if len(r.Header[name]) > 0 {
			return "it came by a proxy: " + name
		}
	}
	return ""
}
