package channelsredis

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// parseMsgPack reads one value.
func parseMsgPack(packed []byte) (any, error) {
	reader := bytes.NewReader(packed)
	value, err := nextMsgPack(unpacker{msgpack.NewDecoder(reader), reader}, 0)
	if err == nil && reader.Len() > 0 {
		err = errors.New("goes on behind its end")
	}
	return value, err
}

// unpacker is a decoder that believes a length when there are as many bytes: the
// library's makes room for it first, of up to 4 GiB.
type unpacker struct {
	*msgpack.Decoder
	left *bytes.Reader
}

func (u unpacker) bytes() ([]byte, error) {
	length, err := u.DecodeBytesLen()
	if err != nil {
		return nil, err
	}
	if length > u.left.Len() {
		return nil, io.ErrUnexpectedEOF
	}
	data := make([]byte, length)
	return data, u.ReadFull(data)
}

func nextMsgPack(decoder unpacker, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	code, err := decoder.PeekCode()
	if err != nil {
		return nil, err
	}
	switch {
	case code == msgpcode.Nil:
		return nil, decoder.DecodeNil()
	case code == msgpcode.False || code == msgpcode.True:
		return decoder.DecodeBool()
	case code == msgpcode.Uint64:
		return decoder.DecodeUint64()
	case msgpcode.IsFixedNum(code) || code >= msgpcode.Uint8 && code <= msgpcode.Int64:
		return decoder.DecodeInt64()
	case code == msgpcode.Float || code == msgpcode.Double:
		return decoder.DecodeFloat64()
	case msgpcode.IsString(code):
		return packedText(decoder)
	case msgpcode.IsBin(code):
		return decoder.bytes()
	case msgpcode.IsFixedArray(code) || code == msgpcode.Array16 || code == msgpcode.Array32:
		return packedArray(decoder, depth)
	case msgpcode.IsFixedMap(code) || code == msgpcode.Map16 || code == msgpcode.Map32:
		return packedObject(decoder, depth)
	}
	return nil, fmt.Errorf("has the MessagePack code 0x%x", code)
}

func packedText(decoder unpacker) (string, error) {
	text, err := decoder.bytes()
	if err == nil && !utf8.Valid(text) {
		err = errUTF8
	}
	return string(text), err
}

// packedArray believes a length when its items have come.
func packedArray(decoder unpacker, depth int) (any, error) {
	length, err := decoder.DecodeArrayLen()
	if err != nil {
		return nil, err
	}
	items := []any{}
	for range length {
		item, err := nextMsgPack(decoder, depth+1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// packedObject keeps all members with the same key: see mark.
func packedObject(decoder unpacker, depth int) (any, error) {
	length, err := decoder.DecodeMapLen()
	if err != nil {
		return nil, err
	}
	members := object{}
	for range length {
		code, err := decoder.PeekCode()
		if err != nil {
			return nil, err
		}
		if !msgpcode.IsString(code) {
			return nil, errors.New("has a key that is no text")
		}
		key, err := packedText(decoder)
		if err != nil {
			return nil, err
		}
		value, err := nextMsgPack(decoder, depth+1)
		if err != nil {
			return nil, err
		}
		members = append(members, member{key, value})
	}
	return members, nil
}

// packMsgPack writes a value.
func packMsgPack(value any) ([]byte, error) {
	var packed bytes.Buffer
	if err := pack(msgpack.NewEncoder(&packed), value); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

func pack(encoder *msgpack.Encoder, value any) error {
	switch value := value.(type) {
	case nil:
		return encoder.EncodeNil()
	case bool:
		return encoder.EncodeBool(value)
	case json.Number:
		return packNumber(encoder, value.String())
	case string:
		return encoder.EncodeString(value)
	case []byte:
		return encoder.EncodeBytes(value)
	case []any:
		if err := encoder.EncodeArrayLen(len(value)); err != nil {
			return err
		}
		for _, item := range value {
			if err := pack(encoder, item); err != nil {
				return err
			}
		}
		return nil
	case object:
		return packObject(encoder, value)
	}
	return fmt.Errorf("has a %T", value)
}

func packObject(encoder *msgpack.Encoder, members object) error {
	if err := encoder.EncodeMapLen(len(members)); err != nil {
		return err
	}
	for _, m := range members {
		if err := encoder.EncodeString(m.key); err != nil {
			return err
		}
		if err := pack(encoder, m.value); err != nil {
			return err
		}
	}
	return nil
}

// packNumber keeps integers exact, or says that it cannot.
func packNumber(encoder *msgpack.Encoder, written string) error {
	if strings.ContainsAny(written, ".eE") {
		number, err := strconv.ParseFloat(written, 64)
		if err != nil {
			return fmt.Errorf("has the number %.40s, which no float holds", written)
		}
		return encoder.EncodeFloat64(number)
	}
	if number, err := strconv.ParseInt(written, 10, 64); err == nil {
		return encoder.EncodeInt(number)
	}
	if number, err := strconv.ParseUint(written, 10, 64); err == nil {
		return encoder.EncodeUint(number)
	}
	return fmt.Errorf("has the integer %.40s, which has no place in MessagePack", written)
}
