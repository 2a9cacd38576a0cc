package socket

import (
	"strconv"
	"strings"
)

// extension is one of those that a client offers.
type extension struct {
	name   string
	params []param
}

type param struct {
	name, value string
	hasValue    bool
}

// maxOffered is how many extensions, each with its parameters, or subprotocols a
// handshake may offer. Nobody has as many, and what is read costs more than its bytes.
const maxOffered = 256

// parseExtensions reads Sec-WebSocket-Extensions (RFC 6455, section 9.1). ok is
// false if it is malformed.
func parseExtensions(lines []string) (offers []extension, ok bool) {
	room := maxOffered
	for _, line := range lines {
		s := scanner(line)
		for s.next(','); s != ""; s.next(',') {
			e, ok := s.extension(room)
			room -= 1 + len(e.params)
			if !ok || room < 0 || s != "" && s[0] != ',' {
				return nil, false
			}
			offers = append(offers, e)
		}
	}
	return offers, true
}

// scanner is what is left of a header to be read.
type scanner string

func (s *scanner) skipSpace() { *s = scanner(strings.TrimLeft(string(*s), " \t")) }

// next skips separators and the space around them, and reports whether there were
// any.
func (s *scanner) next(separator byte) (found bool) {
	for s.skipSpace(); *s != "" && (*s)[0] == separator; s.skipSpace() {
		*s, found = (*s)[1:], true
	}
	return found
}

// one skips one separator and the space around it.
func (s *scanner) one(separator byte) bool {
	s.skipSpace()
	if *s == "" || (*s)[0] != separator {
		return false
	}
	*s = (*s)[1:]
	s.skipSpace()
	return true
}

func (s *scanner) token() (token string, ok bool) {
	end := strings.IndexFunc(string(*s), notToken)
	if end < 0 {
		end = len(*s)
	}
	token, *s = string((*s)[:end]), (*s)[end:]
	return token, token != ""
}

// quoted reads a quoted string, which must say a token.
func (s *scanner) quoted() (token string, ok bool) {
	said := make([]byte, 0, 16) // what is meant is short
	for i := 1; i < len(*s); i++ {
		switch c := (*s)[i]; c {
		case '"':
			*s = (*s)[i+1:]
			return string(said), isToken(string(said))
		case '\\':
			if i++; i < len(*s) {
				said = append(said, (*s)[i])
			}
		default:
			said = append(said, c)
		}
	}
	return "", false
}

// extension reads one, with at most so many parameters.
func (s *scanner) extension(most int) (e extension, ok bool) {
	if e.name, ok = s.token(); !ok {
		return e, false
	}
	for len(e.params) <= most && s.one(';') {
		var p param
		if p.name, ok = s.token(); !ok {
			return e, false
		}
		if p.hasValue = s.one('='); p.hasValue {
			if strings.HasPrefix(string(*s), `"`) {
				p.value, ok = s.quoted()
			} else {
				p.value, ok = s.token()
			}
			if !ok {
				return e, false
			}
		}
		e.params = append(e.params, p)
	}
	return e, true
}

// acceptsDeflate reports whether one of the client's offers can be met: gorilla
// answers every one of them with both no_context_takeover parameters and nothing
// else, so an offer that asks for a smaller window must be declined.
func acceptsDeflate(offers []extension) bool {
	for _, offer := range offers {
		if offer.name == "permessage-deflate" && offer.canBeMet() {
			return true
		}
	}
	return false
}

// canBeMet checks the parameters of permessage-deflate (RFC 7692, section 7.1).
func (e extension) canBeMet() bool {
	seen := map[string]bool{}
	for _, p := range e.params {
		if seen[p.name] || !p.canBeMet() {
			return false
		}
		seen[p.name] = true
	}
	return true
}

func (p param) canBeMet() bool {
	switch p.name {
	case "server_no_context_takeover", "client_no_context_takeover":
		return !p.hasValue
	case "client_max_window_bits":
		bits, err := strconv.Atoi(p.value)
		return !p.hasValue || err == nil && bits >= 8 && bits <= 15 && strconv.Itoa(bits) == p.value
	}
	return false
}
