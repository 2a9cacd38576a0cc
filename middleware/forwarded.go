package middleware

import (
	"net/http"
	"net/netip"
	"strings"
)

// hop is what one proxy says of the one that it got the request from.
type hop struct {
	addr    netip.Addr // invalid if the proxy does not tell
	port    uint16
	scheme  string
	host    string
	illegal bool // what stands there is no address
}

// maxForwarded bounds what is read of a trusted proxy's headers, in bytes.
const maxForwarded = 8 << 10

// parseForwarded reads the lines of a Forwarded header (RFC 7239), the hop nearest
// to the client first. ok is false for what does not follow its grammar.
func parseForwarded(lines []string) (hops []hop, ok bool) {
	text := strings.Join(lines, ",")
	if len(text) > maxForwarded {
		return nil, false
	}
	for text != "" {
		var h hop
		if text, ok = h.parse(text); !ok {
			return nil, false
		}
		hops = append(hops, h)
	}
	return hops, true
}

// parse reads one element, up to a comma, and returns what follows.
func (h *hop) parse(text string) (rest string, ok bool) {
	for {
		text = strings.TrimLeft(text, " \t")
		if text == "" || text[0] == ',' {
			return strings.TrimPrefix(text, ","), true
		}
		if text[0] == ';' {
			text = text[1:]
			continue
		}
		name, after, found := strings.Cut(text, "=")
		if !found || !token(name) {
			return "", false
		}
		value, after, ok := forwardedValue(after)
		if !ok || !h.set(strings.ToLower(name), value) {
			return "", false
		}
		text = strings.TrimLeft(after, " \t")
		if text != "" && text[0] != ';' && text[0] != ',' {
			return "", false
		}
	}
}

// forwardedValue reads a token or a quoted string.
func forwardedValue(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ";, \t")
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], token(text[:end])
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], true
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case c < ' ' || c >= 0x7f:
			return "", "", false
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// set takes over one parameter; those that it does not know are passed over, as
// the RFC wants it. A parameter may come once.
func (h *hop) set(name, value string) bool {
	switch name {
	case "for":
		if h.addr.IsValid() || h.illegal {
			return false
		}
		h.setNode(value)
	case "proto":
		if h.scheme != "" || value == "" {
			return false
		}
		h.scheme = value
	case "host":
		if h.host != "" || value == "" {
			return false
		}
		h.host = value
	}
	return true
}

// setNode reads an address with or without a port. "unknown", nothing at all, and
// names that begin with '_' are how a proxy says that it does not tell.
func (h *hop) setNode(node string) {
	if node == "" || strings.EqualFold(node, "unknown") || strings.HasPrefix(node, "_") {
		return
	}
	if addr, err := netip.ParseAddrPort(node); err == nil {
		h.addr, h.port = addr.Addr().WithZone("").Unmap(), addr.Port()
		return
	}
	// An obfuscated port does not make the address worthless.
	if host, port, found := strings.Cut(node, ":_"); found && token(port) {
		node = host
	}
	if len(node) > 1 && node[0] == '[' && node[len(node)-1] == ']' {
		node = node[1 : len(node)-1]
	}
	addr, err := netip.ParseAddr(node)
	h.addr, h.illegal = addr.WithZone("").Unmap(), err != nil
}

func token(text string) bool {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return text != ""
}

// parseXForwarded reads the X-Forwarded headers. Scheme and host belong to the hop
// at their own place if there are as many of them as of addresses; else the last
// one, written by the nearest proxy, is everybody's.
func parseXForwarded(header http.Header) (hops []hop, ok bool) {
	addrs, ok1 := listOf(header["X-Forwarded-For"])
	schemes, ok2 := listOf(header["X-Forwarded-Proto"])
	hosts, ok3 := listOf(header["X-Forwarded-Host"])
	if !ok1 || !ok2 || !ok3 {
		return nil, false
	}
	hops = make([]hop, max(len(addrs), min(1, len(schemes)+len(hosts))))
	for i, addr := range addrs {
		hops[i].setNode(addr)
	}
	for i := range hops {
		hops[i].scheme = placed(schemes, i, len(hops))
		hops[i].host = placed(hosts, i, len(hops))
	}
	return hops, true
}

func placed(values []string, i, of int) string {
	switch len(values) {
	case 0:
		return ""
	case of:
		return values[i]
	}
	return values[len(values)-1]
}

// listOf joins the lines of a header and splits them at their commas. An element
// that is empty keeps its place, as one that tells nothing: proxies that append to
// what a client left empty write such.
func listOf(lines []string) (list []string, ok bool) {
	text := strings.Join(lines, ",")
	if len(text) > maxForwarded {
		return nil, false
	}
	if len(lines) == 0 {
		return nil, true
	}
	list = strings.Split(text, ",")
	for i := range list {
		list[i] = strings.Trim(list[i], " \t")
	}
	return list, true
}
