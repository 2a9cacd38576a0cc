package protocol

import (
	"net/http"
	"strings"
)

// ValidHeader reports whether every name is a token and no value can end its line
// early. net/http would repair such a header in silence.
func ValidHeader(header http.Header) bool {
	_, ok := checkHeader(header, nil)
	return ok
}

// checkHeader is ValidHeader that also finds the Content-Length, however the
// app spells it, and hands each field to take, if there is one, in the same walk.
func checkHeader(header http.Header, take func(name string, values []string)) (lengths []string, ok bool) {
	for name, values := range header {
		if !validName(name) {
			return nil, false
		}
		for _, value := range values {
			if !validValue(value) {
				return nil, false
			}
		}
		if len(name) == len("Content-Length") && strings.EqualFold(name, "Content-Length") {
			lengths = append(lengths, values...) // two spellings are two lengths
		}
		if take != nil {
			take(name, values)
		}
	}
	return lengths, true
}

// tokenByte marks the bytes of a token (RFC 9110, section 5.6.2).
var tokenByte = func() (table [256]bool) {
	for c := range table {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			table[c] = true
		}
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		table[c] = true
	}
	return table
}()

func validName(name string) bool {
	for i := 0; i < len(name); i++ {
		if !tokenByte[name[i]] {
			return false
		}
	}
	return name != ""
}

func validValue(value string) bool {
	for i := 0; i < len(value); i++ {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
