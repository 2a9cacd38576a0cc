package middleware

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// PatternError tells why a pattern can't stand in a list of origins or hosts,
// and what was probably meant.
type PatternError struct {
	Pattern string
	Problem string
	Suggest string // a pattern that is valid, or ""
}

func (e *PatternError) Error() string {
	text := fmt.Sprintf("middleware: pattern %.100q %s", e.Pattern, e.Problem)
	if e.Suggest != "" {
		text += fmt.Sprintf("; write %q", e.Suggest)
	}
	return text
}

// pattern is one entry of a list of origins or hosts.
type pattern struct {
	any        bool
	scheme     string // "" is any scheme of the web
	host       string // without the leading dot
	port       int    // anyPort, or as in an origin
	subdomains bool
}

// ParsePattern checks a pattern of an origin list. The error is a
// *PatternError.
func ParsePattern(text string) error {
	_, err := parsePattern(text)
	return err
}

// parsePattern does not suggest what it would refuse itself.
func parsePattern(text string) (pattern, error) {
	p, err := readPattern(text)
	if bad, ok := err.(*PatternError); ok && bad.Suggest != "" {
		if _, again := readPattern(bad.Suggest); again != nil {
			bad.Suggest = ""
		}
	}
	return p, err
}

func readPattern(text string) (p pattern, err error) {
	if text == "*" {
		return pattern{any: true}, nil
	}
	scheme, rest, hasScheme := strings.Cut(text, "://")
	if !hasScheme {
		scheme, rest = "", text
	} else if !validScheme(scheme) {
		return p, &PatternError{text, "has no valid scheme", ""}
	}
	if err := misspelt(text, rest); err != nil {
		return p, err
	}
	domain, subdomains := strings.CutPrefix(rest, ".")
	ascii, err := toASCII(domain)
	if err != nil {
		return p, &PatternError{text, "is no valid domain name: " + err.Error(), ""}
	}
	host, port, ok := splitHost(ascii)
	if !ok {
		return p, &PatternError{text, "is no host or host:port", bracketed(rest)}
	}
	p = pattern{scheme: scheme, host: canonicalHost(host), port: port, subdomains: subdomains}
	switch {
	case subdomains && host[0] == '[':
		return p, &PatternError{text, "asks for subdomains of an address", strings.Replace(text, ".[", "[", 1)}
	case port == noPort && hasScheme:
		p.port = defaultPort(scheme)
	case port == noPort:
		p.port = anyPort
	}
	return p, nil
}

// misspelt finds what other dialects of patterns would allow.
func misspelt(text, rest string) error {
	before, host, userinfo := strings.Cut(rest, "@")
	switch {
	case text == "" || rest == "":
		return &PatternError{text, "is empty", ""}
	case rest == "*":
		return &PatternError{text, "has no host", "*"}
	case strings.HasPrefix(rest, "*."):
		return &PatternError{text, "uses '*' for subdomains", strings.Replace(text, "*.", ".", 1)}
	case strings.Contains(rest, "*"):
		return &PatternError{text, "has a '*' inside", ""}
	case userinfo:
		return &PatternError{text, "has a user in front of the host", strings.TrimSuffix(text, before+"@"+host) + host}
	case strings.ContainsAny(rest, "/?#"):
		cut := strings.IndexAny(rest, "/?#")
		return &PatternError{text, "has a path or query, which no origin has", text[:len(text)-len(rest)+cut]}
	case strings.HasSuffix(rest, "."):
		return &PatternError{text, "ends with a dot", strings.TrimRight(text, ".")}
	}
	return nil
}

// toASCII writes an international name as browsers do.
func toASCII(domain string) (string, error) {
	if !utf8.ValidString(domain) {
		return "", errors.New("not UTF-8")
	}
	for i := 0; i < len(domain); i++ {
		if domain[i] >= 0x80 {
			host, port, found := strings.Cut(domain, ":")
			ascii, err := idna.Lookup.ToASCII(host)
			if found {
				ascii += ":" + port
			}
			return ascii, err
		}
	}
	return domain, nil
}

// bracketed suggests brackets for an IPv6 address that has none.
func bracketed(text string) string {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Is6() {
		return "[" + addr.String() + "]"
	}
	return ""
}

// canonicalHost writes an IPv6 address as browsers do.
func canonicalHost(host string) string {
	if host[0] != '[' {
		return host
	}
	return "[" + netip.MustParseAddr(host[1:len(host)-1]).String() + "]"
}

func (p *pattern) matches(o origin) bool {
	switch {
	case p.any:
		return true
	case p.scheme == "" && !web(o.scheme), p.scheme != "" && !strings.EqualFold(p.scheme, o.scheme):
		return false
	case p.port != anyPort && p.port != o.port:
		return false
	}
	return p.matchesHost(o.host)
}

func (p *pattern) matchesHost(host string) bool {
	return strings.EqualFold(p.host, host) || p.subdomains && under(host, p.host)
}

// mustPatterns parses a list. Patterns are wiring: a wrong one panics.
func mustPatterns(who string, list []string) []pattern {
	patterns := make([]pattern, len(list))
	for i, text := range list {
		p, err := parsePattern(text)
		if err != nil {
			panic(fmt.Sprintf("middleware: %s: %v", who, err))
		}
		patterns[i] = p
	}
	return patterns
}
