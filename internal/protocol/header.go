package protocol

import (
	"net/http"
	"net/textproto"
	"strconv"
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

// Take takes a field, and returns its name as net/http writes it. ok tells whether it and
// all before it are valid.
//
//parley:noescape
func (c *HeaderCheck) Take(name string, values []string) (canonical string, ok bool) {
	if canonical, ok = canonicalName(name); !ok {
		c.invalid = true
	}
	for _, value := range values {
		if !validValue(value) {
			c.invalid = true
		}
	}
	if canonical == "Content-Length" {
		c.measure(values) // two spellings are two lengths
	}
	return canonical, !c.invalid
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

// CanonicalName is textproto.CanonicalMIMEHeaderKey, which takes several times as long for
// what is canonical already, as nearly all names are.
//
//parley:noescape
func CanonicalName(name string) string {
	canonical, _ := canonicalName(name)
	return canonical
}

// canonicalName looks in one walk whether a name is valid and whether it is canonical.
//
//parley:noescape
func canonicalName(name string) (canonical string, ok bool) {
	isCanonical, wrong := true, uint8(lowerCase) // at the beginning of a word
	for i := 0; i < len(name); i++ {
		kind := nameBytes[name[i]]
		if kind == noToken {
			return name, false
		}
		if kind == wrong {
			isCanonical = false
		}
		if wrong = upperCase; kind == dash {
			wrong = lowerCase
		}
	}
	if !isCanonical {
		name = canonicalized(name)
	}
	return name, name != ""
}

// canonicalized makes another name.
//
//go:noinline
func canonicalized(name string) string { return textproto.CanonicalMIMEHeaderKey(name) }

// What a byte is in a name.
const (
	noToken = iota
	lowerCase
	upperCase
	dash
	otherToken
)

// nameBytes tells of each byte what it is (RFC 9110, section 5.6.2).
var nameBytes = func() (table [256]uint8) {
	for _, c := range "!#$%&'*+.^_`|~0123456789" {
		table[c] = otherToken
	}
	for c := 'a'; c <= 'z'; c++ {
		table[c], table[c-'a'+'A'] = lowerCase, upperCase
	}
	table['-'] = dash
	return table
}()

func validValue(value string) bool {
	for i := 0; i < len(value); i++ {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
