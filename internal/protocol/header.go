package protocol

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// ValidHeader reports whether every name is a token and no value can end its line
// early. net/http would repair such a header in silence.
func ValidHeader(header http.Header) bool {
	var check HeaderCheck
	check.all(header)
	return !check.invalid
}

// HeaderCheck is what is known of a header that is gone through field by field.
type HeaderCheck struct {
	invalid bool
	lengths int    // how many times there is a Content-Length
	length  string // the first one
}

// Take takes a field, and reports whether it and all before it are valid.
//
//parley:noescape
func (c *HeaderCheck) Take(name string, values []string) bool {
	if !validName(name) {
		c.invalid = true
	}
	for _, value := range values {
		if !validValue(value) {
			c.invalid = true
		}
	}
	if len(name) == len("Content-Length") && strings.EqualFold(name, "Content-Length") {
		c.measure(values) // two spellings are two lengths
	}
	return !c.invalid
}

func (c *HeaderCheck) measure(values []string) {
	if c.lengths == 0 && len(values) > 0 {
		c.length = values[0]
	}
	c.lengths += len(values)
}

func (c *HeaderCheck) all(header http.Header) {
	for name, values := range header {
		c.Take(name, values)
	}
}

func (c *HeaderCheck) contentLength() (length int64, sized, ok bool) {
	if c.lengths != 1 {
		return 0, false, c.lengths == 0
	}
	n, err := strconv.ParseUint(c.length, 10, 63)
	return int64(n), true, err == nil
}

// CanonicalName is textproto.CanonicalMIMEHeaderKey of a valid name, for those that are
// canonical already, as nearly all are, in a fraction of the time.
//
//parley:noescape
func CanonicalName(name string) string {
	begins := true // a word does
	for i := 0; i < len(name); i++ {
		c := name[i]
		if begins && 'a' <= c && c <= 'z' || !begins && 'A' <= c && c <= 'Z' {
			return canonicalized(name)
		}
		begins = c == '-'
	}
	return name
}

// canonicalized makes another name.
//
//go:noinline
func canonicalized(name string) string { return textproto.CanonicalMIMEHeaderKey(name) }

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
