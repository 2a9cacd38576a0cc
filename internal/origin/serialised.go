package origin

import "strings"

// maxOrigin is beyond every scheme, name and port there is.
const maxOrigin = 512

// serialised is a serialised origin, taken apart (RFC 6454, section 6.2).
type serialised struct {
	scheme, host string
	port         int // the scheme's own if none is written, NoPort if it has none
}

// parse reads what a browser sends as Origin: scheme, host and perhaps a
// port, and nothing else. It allocates nothing.
func parse(text string) (o serialised, ok bool) {
	if len(text) > maxOrigin {
		return o, false
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found || !validScheme(scheme) {
		return o, false
	}
	host, port, ok := SplitHost(rest)
	if !ok {
		return o, false
	}
	if port == NoPort {
		port = defaultPort(scheme)
	}
	return serialised{scheme, host, port}, true
}

func validScheme(scheme string) bool {
	for i := 0; i < len(scheme); i++ {
		c := scheme[i] | 0x20
		letter := c >= 'a' && c <= 'z'
		other := scheme[i] >= '0' && scheme[i] <= '9' || strings.IndexByte("+-.", scheme[i]) >= 0
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return scheme != ""
}

func defaultPort(scheme string) int {
	switch {
	case strings.EqualFold(scheme, "http"), strings.EqualFold(scheme, "ws"):
		return 80
	case strings.EqualFold(scheme, "https"), strings.EqualFold(scheme, "wss"):
		return 443
	}
	return NoPort
}

// web reports whether scheme is one that pages and sockets have.
func web(scheme string) bool { return defaultPort(scheme) != NoPort }

// under reports whether host is a subdomain of domain, whatever their case.
func under(host, domain string) bool {
	cut := len(host) - len(domain)
	return cut > 1 && host[cut-1] == '.' && same(host[cut:], domain)
}

// same reports whether two hosts are the same, which are written alike mostly.
//
//parley:inline
func same(a, b string) bool { return a == b || len(a) == len(b) && strings.EqualFold(a, b) }
