package channelsredis

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A value is what both formats can say: nil, bool, int64, uint64, float64, json.Number
// (an integer of any size or a float, as JSON has written it), string, []byte, []any, or
// an object.

// object is a dict, in its order.
type object []member

type member struct {
	key   string
	value any
}

// unique leaves one member of each key, in the place of the first and with the value of
// the last. It changes the object: there may be hundreds of thousands of members.
func (o object) unique() object {
	places := make(map[string]int, len(o))
	once := o[:0]
	for _, m := range o {
		if place, taken := places[m.key]; taken {
			once[place].value = m.value
			continue
		}
		places[m.key] = len(once)
		once = append(once, m)
	}
	return once
}

func (o object) get(key string) (any, bool) {
	for _, m := range o {
		if m.key == key {
			return m.value, true
		}
	}
	return nil, false
}

// maxDepth is how deep a message may be nested.
const maxDepth = 100

var (
	errDepth = errors.New("is nested too deep")
	errUTF8  = errors.New("has text that is not UTF-8")
)

// parseJSON reads one value.
func parseJSON(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, errUTF8
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	value, err := nextJSON(decoder, 0)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("goes on behind its end")
	}
	return value, nil
}

func nextJSON(decoder *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('['):
		return jsonArray(decoder, depth)
	case json.Delim('{'):
		return jsonObject(decoder, depth)
	}
	return token, nil
}

func jsonArray(decoder *json.Decoder, depth int) (any, error) {
	items := []any{}
	for decoder.More() {
		item, err := nextJSON(decoder, depth+1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := decoder.Token()
	return items, err
}

// jsonObject keeps all members with the same key: see mark.
func jsonObject(decoder *json.Decoder, depth int) (any, error) {
	members := object{}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		value, err := nextJSON(decoder, depth+1)
		if err != nil {
			return nil, err
		}
		members = append(members, member{key.(string), value})
	}
	_, err := decoder.Token()
	return members, err
}

// appendJSON writes a value. Bytes become base64, as encoding/json writes them.
func appendJSON(text []byte, value any) ([]byte, error) {
	switch value := value.(type) {
	case nil:
		return append(text, "null"...), nil
	case bool:
		return strconv.AppendBool(text, value), nil
	case int64:
		return strconv.AppendInt(text, value, 10), nil
	case uint64:
		return strconv.AppendUint(text, value, 10), nil
	case float64:
		return appendFloat(text, value)
	case json.Number:
		return append(text, value...), nil
	case string:
		return appendText(text, value)
	case []byte:
		text = append(text, '"')
		return append(base64.StdEncoding.AppendEncode(text, value), '"'), nil
	case []any:
		return appendArray(text, value)
	case object:
		return appendObject(text, value)
	}
	return nil, fmt.Errorf("has a %T", value)
}

// appendFloat writes a float so that it stays one: 1.0, not 1.
func appendFloat(text []byte, value float64) ([]byte, error) {
	written := strconv.FormatFloat(value, 'g', -1, 64)
	switch {
	case strings.ContainsAny(written, "IN"): // +Inf, NaN
		return nil, fmt.Errorf("has a number that JSON does not know: %s", written)
	case !strings.ContainsAny(written, ".e"):
		written += ".0"
	}
	return append(text, written...), nil
}

func appendText(text []byte, value string) ([]byte, error) {
	if !utf8.ValidString(value) {
		return nil, errUTF8
	}
	quoted, err := json.Marshal(value)
	return append(text, quoted...), err
}

func appendArray(text []byte, items []any) (_ []byte, err error) {
	text = append(text, '[')
	for i, item := range items {
		if i > 0 {
			text = append(text, ',')
		}
		if text, err = appendJSON(text, item); err != nil {
			return nil, err
		}
	}
	return append(text, ']'), nil
}

func appendObject(text []byte, members object) (_ []byte, err error) {
	text = append(text, '{')
	for i, m := range members {
		if i > 0 {
			text = append(text, ',')
		}
		if text, err = appendText(text, m.key); err != nil {
			return nil, err
		}
		if text, err = appendJSON(append(text, ':'), m.value); err != nil {
			return nil, err
		}
	}
	return append(text, '}'), nil
}
