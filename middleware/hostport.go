package middleware

import (
	"net/netip"
	"strings"
)

const (
	anyPort   = -1
	noPort    = 0
	maxHost   = 253 // the longest name of the DNS
	maxOrigin = 512 // beyond every scheme, name and port there is
)

// splitHost takes "host" or "host:port" apart, as it stands in a Host header:
// a name of ASCII letters, digits, '-', '_' and '.', an IPv4 address, or an IPv6
// address in brackets. It allocates nothing.
func splitHost(text string) (host string, port int, ok bool) {
	host, rest := text, ""
	if strings.HasPrefix(text, "[") {
		end := strings.IndexByte(text, ']')
		if end < 0 {
			return "", 0, false
		}
		host, rest = text[:end+1], text[end+1:]
		if addr, err := netip.ParseAddr(host[1:end]); err != nil || !addr.Is6() || addr.Zone() != "" {
			return "", 0, false
		}
	} else {
		if colon := strings.IndexByte(text, ':'); colon >= 0 {
			host, rest = text[:colon], text[colon:]
		}
		if !validHost(host) {
			return "", 0, false
		}
	}
	if rest == "" {
		return host, noPort, true
	}
	port, ok = parsePort(rest)
	return host, port, ok
}

// parsePort reads ":1" to ":65535".
func parsePort(text string) (port int, ok bool) {
	if len(text) < 2 || len(text) > 6 || text[0] != ':' {
		return 0, false
	}
	for i := 1; i < len(text); i++ {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		port = port*10 + int(text[i]-'0')
	}
	return port, port > 0 && port <= 65535
}

var hostByte = func() (table [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") {
		table[c] = true
	}
	return table
}()

func validHost(host string) bool {
	if host == "" || len(host) > maxHost || host[0] == '.' {
		return false
	}
	for i := 0; i < len(host); i++ {
		if !hostByte[host[i]] {
			return false
		}
	}
	return true
}

// origin is a serialised origin, taken apart (RFC 6454, section 6.2).
type origin struct {
	scheme, host string
	port         int // the scheme's own if none is written, noPort if it has none
}

// parseOrigin reads what a browser sends as Origin: scheme, host and perhaps a
// port, and nothing else. It allocates nothing.
func parseOrigin(text string) (o origin, ok bool) {
	if len(text) > maxOrigin {
		return o, false
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found || !validScheme(scheme) {
		return o, false
	}
	host, port, ok := splitHost(rest)
	if !ok {
		return o, false
	}
	if port == noPort {
		port = defaultPort(scheme)
	}
	return origin{scheme, host, port}, true
}

func validScheme(scheme string) bool {
	for i := 0; i < len(scheme); i++ {
		c := scheme[i] | 0x20
		letter := c >= 'a' && c <= 'z'
		other := scheme[i] >= '0' && scheme[i] <= '9' || scheme[i] == '+' || scheme[i] == '-' || scheme[i] == '.'
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
	return noPort
}

// web tells whether scheme is one that pages and sockets have.
func web(scheme string) bool { return defaultPort(scheme) != noPort }

// under tells whether host is a subdomain of domain, whatever their case.
func under(host, domain string) bool {
	cut := len(host) - len(domain)
	return cut > 1 && host[cut-1] == '.' && strings.EqualFold(host[cut:], domain)
}
