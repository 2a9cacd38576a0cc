package origin

import (
	"fmt"
	"net/http"
	"strings"
)

// Policy decides by the headers of a request whether the page that sent it may.
type Policy struct {
	patterns []Pattern
	any      bool
	self     bool
	missing  bool
}

// Rules make a Policy.
type Rules struct {
	Allow        []Pattern
	Self         bool // the request's own origin may come in
	AllowMissing bool // a handshake without an Origin may come in
}

// New makes a Policy of rules.
func New(rules Rules) *Policy {
	p := &Policy{patterns: rules.Allow, self: rules.Self, missing: rules.AllowMissing}
	for i := range p.patterns {
		p.any = p.any || p.patterns[i].Any
	}
	return p
}

// RefusesAll reports whether nobody with an Origin can come in.
func (p *Policy) RefusesAll() bool { return len(p.patterns) == 0 && !p.self }

// Refusal is why an origin may not come in.
type Refusal struct {
	Reason string // "missing", "multiple", "malformed", "not-allowed" or "cross-site"
	Detail string // for the log
}

func (r *Refusal) Error() string { return r.Detail }

// Handshake decides on a WebSocket handshake, on which browsers always send an
// Origin. nil lets it pass.
func (p *Policy) Handshake(r *http.Request) *Refusal {
	switch values := r.Header["Origin"]; {
	case p.any, len(values) == 0 && p.missing:
		return nil
	case len(values) == 0:
		return &Refusal{"missing", "no Origin header"}
	case len(values) == 1 && p.self && own(fetchSite(r)):
		return nil
	}
	return p.decide(r)
}

// Request decides on a request of HTTP. Older browsers leave the Origin out and
// pages without a referrer send "null": Sec-Fetch-Site decides then, and a request
// that has neither comes from no browser. nil lets it pass.
func (p *Policy) Request(r *http.Request) *Refusal {
	values, site := r.Header["Origin"], fetchSite(r)
	switch {
	case p.any:
		return nil
	case len(values) == 0 && (site == "" || own(site)):
		return nil
	case len(values) == 0:
		return &Refusal{"cross-site", fmt.Sprintf("no Origin, and Sec-Fetch-Site is %.40q", site)}
	case len(values) == 1 && own(site) && (p.self || values[0] == "null"):
		return nil
	}
	return p.decide(r)
}

// decide looks at the Origin that is there.
func (p *Policy) decide(r *http.Request) *Refusal {
	values := r.Header["Origin"]
	if len(values) > 1 {
		return &Refusal{"multiple", fmt.Sprintf("%d Origin headers", len(values))}
	}
	o, ok := parse(values[0])
	if !ok {
		return &Refusal{"malformed", fmt.Sprintf("Origin %.100q is not a serialised origin", values[0])}
	}
	for i := range p.patterns {
		if p.patterns[i].matches(o) {
			return nil
		}
	}
	switch {
	case !p.self || !sameHost(o, r):
		return &Refusal{"not-allowed", fmt.Sprintf("Origin %.100q is not allowed", values[0])}
	case fetchSite(r) != "":
		return &Refusal{"cross-site", fmt.Sprintf(
			"Origin %.100q is that of this host, but Sec-Fetch-Site is %.40q", values[0], fetchSite(r))}
	}
	return nil
}

// fetchSite is what the browser says of where the request comes from in relation
// to this site. No script can set the header. Two of them are no browser's.
func fetchSite(r *http.Request) string { return strings.Join(r.Header["Sec-Fetch-Site"], ", ") }

// own reports whether the request comes from this origin, or from the user.
func own(site string) bool { return site == "same-origin" || site == "none" }

// sameHost compares with the request's own host and port, a missing port being
// the one of the origin's scheme, since a proxy may have taken TLS off. Where TLS
// is known for certain, a page without it is not the same. The schemes of sockets
// stand for those of the web, since native clients send them.
func sameHost(o serialised, r *http.Request) bool {
	host, port, ok := SplitHost(r.Host)
	if !ok || !web(o.scheme) {
		return false
	}
	if port == NoPort {
		port = defaultPort(o.scheme)
	}
	if Secure(r) && defaultPort(o.scheme) != 443 {
		return false
	}
	return o.port == port && same(o.host, host)
}

// Secure reports whether the client is known to use TLS, by this server or by a
// proxy that is trusted, which has its word in the request's URL.
func Secure(r *http.Request) bool {
	return r.TLS != nil || r.URL != nil && (r.URL.Scheme == "https" || r.URL.Scheme == "wss")
}
