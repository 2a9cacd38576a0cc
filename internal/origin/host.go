package origin

import (
	"net/netip"
	"strings"
)

// What stands in the place of a port.
const (
	AnyPort = -1 // in a pattern
	NoPort  = 0  // none is written
)

const maxHost = 253 // the longest name of the DNS

// SplitHost takes "host" or "host:port" apart, as it stands in a Host header:
// a name of ASCII letters, digits, '-', '_' and '.', an IPv4 address, or an IPv6
// address in brackets. It allocates nothing.
func SplitHost(text string) (host string, port int, ok bool) {
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
		return host, NoPort, true
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
