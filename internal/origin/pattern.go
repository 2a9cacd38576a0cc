package origin

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// PatternError says why a pattern can't stand in a list of origins or hosts,
// and what was probably meant.
type PatternError struct {
	Pattern string
	Problem string
	Suggest string // a pattern that is valid, or ""
}

func (e *PatternError) Error() string {
	text := fmt.Sprintf("pattern %.100q %s", e.Pattern, e.Problem)
	if e.Suggest != "" {
		text += fmt.Sprintf("; write %q", e.Suggest)
	}
	return text
}

// Pattern is one entry of a list of origins or hosts.
type Pattern struct {
	Any        bool
	Scheme     string // "" is any scheme of the web
	Host       string // without the leading dot
	Port       int    // AnyPort, or as in an origin
	Subdomains bool
}

// ParsePattern reads a pattern. The error is a *PatternError, which does not
// suggest what would be refused itself.
func ParsePattern(text string) (Pattern, error) {
	p, err := readPattern(text)
	if bad, ok := err.(*PatternError); ok && bad.Suggest != "" {
		if _, again := readPattern(bad.Suggest); again != nil {
			bad.Suggest = ""
		}
	}
	return p, err
}

func readPattern(text string) (p Pattern, err error) {
	if text == "*" {
		return Pattern{Any: true}, nil
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
	host, port, ok := SplitHost(ascii)
	if !ok {
		return p, &PatternError{text, "is no host or host:port", bracketed(rest)}
	}
	p = Pattern{Scheme: scheme, Host: canonicalHost(host), Port: port, Subdomains: subdomains}
	switch {
	case subdomains && host[0] == '[':
		right := strings.Replace(text, ".[", "[", 1)
		return p, &PatternError{text, "asks for subdomains of an address", right}
	case port == NoPort && hasScheme:
		p.Port = defaultPort(scheme)
	case port == NoPort:
		p.Port = AnyPort
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
		right := strings.TrimSuffix(text, before+"@"+host) + host
		return &PatternError{text, "has a user in front of the host", right}
	case strings.ContainsAny(rest, "/?#"):
		cut := strings.IndexAny(rest, "/?#")
		right := text[:len(text)-len(rest)+cut]
		return &PatternError{text, "has a path or query, which no origin has", right}
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

// matches compares with an origin. A list with a pattern for all never asks.
func (p *Pattern) matches(o serialised) bool {
	switch {
	case p.Scheme == "" && !web(o.scheme), p.Scheme != "" && !strings.EqualFold(p.Scheme, o.scheme):
		return false
	case p.Port != AnyPort && p.Port != o.port:
		return false
	}
	return p.MatchesHost(o.host)
}

// MatchesHost reports whether host is the pattern's, or below it if it has a dot.
func (p *Pattern) MatchesHost(host string) bool {
	return same(p.Host, host) || p.Subdomains && under(host, p.Host)
}

// MustPatterns parses a list. Patterns are wiring: a wrong one panics, in the name
// of who has the list.
func MustPatterns(who string, list []string) []Pattern {
	patterns := make([]Pattern, len(list))
	for i, text := range list {
		p, err := ParsePattern(text)
		if err != nil {
			panic(fmt.Sprintf("%s: %v", who, err))
		}
		patterns[i] = p
	}
	return patterns
}
