package consumer

import (
	"bytes"
	"encoding/json"
	"errors"
)

// head is what the kit itself has to know of a client's message.
type head struct {
	typ []byte // part of the message
	id  uint64 // 0 if no answer is asked for
}

// maxID is the largest integer that JavaScript counts to.
const maxID = 1<<53 - 1

// What is wrong with a message that has no head.
var (
	errNoObject = errors.New("no JSON object")
	errNoType   = errors.New(`no field "type" that is a string, or several`)
	errNoID     = errors.New(`"id" is no positive integer below 2^53, or there are several`)
)

// readHead finds type and id among an object's fields, without decoding the others.
// Of a message that is JSON it tells the truth. Of others it may say anything that is
// in them: whoever goes by what it says has the message decoded, or asks json.Valid.
func readHead(data []byte) (head, error) {
	var h head
	s := scanner{data: data}
	if !s.take('{') {
		return h, errNoObject
	}
	for more := !s.take('}'); more; more = s.take(',') {
		key, value, ok := s.field()
		if !ok {
			return h, errNoObject
		}
		switch name, _ := unquote(key); string(name) {
		case "type":
			typ, isString := unquote(value)
			if !isString || h.typ != nil {
				return h, errNoType
			}
			h.typ = typ
		case "id":
			id := parseID(value)
			if id == 0 || h.id != 0 {
				return h, errNoID
			}
			h.id = id
		}
	}
	if len(h.typ) == 0 {
		return h, errNoType
	}
	return h, nil
}

// unquote returns the text of a JSON string, if value is one. It allocates only where
// something in it is escaped.
func unquote(value []byte) (text []byte, ok bool) {
	if len(value) < 2 || value[0] != '"' {
		return nil, false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1], true
	}
	var s string
	if json.Unmarshal(value, &s) != nil {
		return nil, false
	}
	return []byte(s), true
}

// parseID returns 0 for what is no id.
func parseID(value []byte) (id uint64) {
	if len(value) > 16 || len(value) > 1 && value[0] == '0' {
		return 0
	}
	for _, digit := range value {
		if digit < '0' || digit > '9' {
			return 0
		}
		id = id*10 + uint64(digit-'0')
	}
	if id > maxID {
		return 0
	}
	return id
}

// scanner goes through JSON field by field. It trusts brackets to match and literals
// to be some, and stops at the end of the data whatever is there.
type scanner struct {
	data []byte
	at   int
}

// skipSpace goes to the next byte that means something.
func (s *scanner) skipSpace() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// take skips c, if it comes next.
func (s *scanner) take(c byte) bool {
	s.skipSpace()
	if s.at == len(s.data) || s.data[s.at] != c {
		return false
	}
	s.at++
	return true
}

// field returns a key, which is a string with its quotes, and its value.
func (s *scanner) field() (key, value []byte, ok bool) {
	if !s.take('"') {
		return nil, nil, false
	}
	start := s.at - 1
	s.skipString()
	key = s.data[start:s.at]
	if !s.take(':') {
		return nil, nil, false
	}
	s.skipSpace()
	start = s.at
	s.skipValue()
	return key, s.data[start:s.at], s.at > start
}

// skipString goes behind the end of a string that has begun.
func (s *scanner) skipString() {
	rest := s.data[s.at:]
	if end := bytes.IndexByte(rest, '"'); end >= 0 && bytes.IndexByte(rest[:end], '\\') < 0 {
		s.at += end + 1
		return
	}
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case '"':
			s.at++
			return
		case '\\':
			s.at++
		}
		s.at++
	}
	s.at = len(s.data) // an escape may have led beyond it
}

// skipValue goes to the comma or bracket behind a value, or to the end.
func (s *scanner) skipValue() {
	for depth := 0; s.at < len(s.data); s.at++ {
		switch s.data[s.at] {
		case '"':
			s.at++
			s.skipString()
			s.at--
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return
			}
			depth--
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return
			}
		}
	}
}
