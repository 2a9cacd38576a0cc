package channelsredis

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fernet/fernet-go"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// Format is how messages are written.
type Format int

const (
	// MsgPack is channels_redis' default.
	MsgPack Format = iota
	// JSON is what serializer_format="json" means, since channels_redis 4.2.1.
	JSON
)

// wire writes and reads what lies in Redis: noise, which makes messages unique, and
// then a dict, encrypted if there are keys.
type wire struct {
	format Format
	noise  int           // bytes
	keys   []*fernet.Key // the first one encrypts, all decrypt
	life   time.Duration // of what is encrypted; 0 is for ever
	max    int           // bytes of a message that is read
}

// channelKey is where channels_redis' core notes the names that a message is for.
const channelKey = "__asgi_channel__"

// parcel is a message with where it comes from and, of core, whom it is for.
type parcel struct {
	origin  string // of a layer, or "django"
	except  string // a member that does not get it, or ""
	names   []string
	message channel.Message
}

const stranger = "django"

// newKeys makes Fernet keys as channels_redis does.
func newKeys(secrets []string) (keys []*fernet.Key) {
	for _, secret := range secrets {
		key := fernet.Key(sha256.Sum256([]byte(secret)))
		keys = append(keys, &key)
	}
	return keys
}

// encode writes a dict.
func (w *wire) encode(dict object) (packed []byte, err error) {
	if w.format == JSON {
		packed, err = appendJSON(nil, dict)
	} else {
		packed, err = packMsgPack(dict)
	}
	if err != nil {
		return nil, refused(err)
	}
	if len(w.keys) > 0 {
		if packed, err = fernet.EncryptAndSign(packed, w.keys[0]); err != nil {
			return nil, fmt.Errorf("channelsredis: encrypt: %w", err)
		}
	}
	if w.noise == 0 {
		return packed, nil
	}
	noise := make([]byte, w.noise, w.noise+len(packed))
	_, _ = rand.Read(noise) // never fails
	return append(noise, packed...), nil
}

// shortest is a Fernet token of nothing.
const shortest = 100

// decode reads a message. An error says that it is none.
func (w *wire) decode(packed []byte) (parcel, error) {
	if len(packed) < w.noise || len(packed) > w.max {
		return parcel{}, errors.New("has a wrong length")
	}
	packed = packed[w.noise:]
	if len(w.keys) > 0 {
		if len(packed) < shortest {
			return parcel{}, errors.New("is not encrypted")
		}
		if packed = fernet.VerifyAndDecrypt(packed, w.life, w.keys); packed == nil {
			return parcel{}, errors.New("is not encrypted with one of the keys, or too old")
		}
	}
	parse := parseMsgPack
	if w.format == JSON {
		parse = parseJSON
	}
	value, err := parse(packed)
	if err != nil {
		return parcel{}, err
	}
	dict, ok := value.(object)
	if !ok {
		return parcel{}, errors.New("is no dict")
	}
	return open(dict)
}

// A message of a layer has a mark: a first "type" that a second one replaces, so that
// whoever reads it as Python does never sees the first. It tells which layer has sent
// the message, so that this one does not take it twice, and what its payload was:
//
//	"!" shape origin
type shape byte

const (
	whole  shape = 't' // an object with its type among its members
	bare   shape = 'o' // an object without
	text   shape = 's'
	binary shape = 'b'
)

const typeKey, textKey, bytesKey = "type", "text", "bytes"

// dictOf says a message in Channels' words.
func dictOf(p channel.Parcel) (object, error) {
	message := p.Message
	kind, payload := message.Send().Payload()
	origin := p.Origin
	if p.Except != "" {
		origin += ":" + string(p.Except)
	}
	mark := func(s shape, rest object) object {
		return append(object{{typeKey, "!" + string(rune(s)) + origin}}, rest...)
	}
	if kind == parley.BinaryMessage {
		return mark(binary, object{{typeKey, message.Type()}, {bytesKey, payload}}), nil
	}
	if !utf8.Valid(payload) {
		return nil, refused(errUTF8)
	}
	members, ok := objectOf(payload)
	if !ok {
		return mark(text, object{{typeKey, message.Type()}, {textKey, string(payload)}}), nil
	}
	if _, taken := members.get(channelKey); taken {
		return nil, refused(errors.New("has a member " + channelKey))
	}
	typ, typed := members.get(typeKey)
	switch {
	case !typed:
		return mark(bare, append(object{{typeKey, message.Type()}}, members...)), nil
	case typ != message.Type():
		return nil, refused(fmt.Errorf("has the type %q and a member type %.100q", message.Type(), typ))
	}
	return mark(whole, members), nil
}

// objectOf reads a payload that is a JSON object; of members with one key the last.
func objectOf(payload []byte) (object, bool) {
	if !strings.HasPrefix(strings.TrimLeft(string(payload[:min(len(payload), 64)]), " \t\r\n"), "{") {
		return nil, false
	}
	value, err := parseJSON(payload)
	if err != nil {
		return nil, false
	}
	members, ok := value.(object)
	return members.unique(), ok
}

// open makes a message of a dict.
func open(dict object) (parcel, error) {
	p := parcel{origin: stranger}
	form := whole
	if len(dict) > 0 && dict[0].key == typeKey {
		if mark, ok := dict[0].value.(string); ok && len(mark) > 2 && mark[0] == '!' {
			form, dict = shape(mark[1]), dict[1:]
			p.origin, p.except, _ = strings.Cut(mark[2:], ":")
		}
	}
	members := make(object, 0, len(dict))
	for _, m := range dict {
		if m.key != channelKey {
			members = append(members, m)
		} else if err := p.address(m.value); err != nil {
			return parcel{}, err
		}
	}
	members = members.unique()
	value, _ := members.get(typeKey)
	typ, ok := value.(string)
	if !ok {
		return parcel{}, errors.New("has no type")
	}
	var err error
	p.message, err = form.message(typ, members)
	return p, err
}

// address notes whom a message is for: one name, or a list of them, each of which gets it
// once.
func (p *parcel) address(value any) error {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	seen := make(map[string]bool, len(list))
	for _, item := range list {
		name, ok := item.(string)
		if !ok {
			return errors.New("has a " + channelKey + " that is no name")
		}
		if !seen[name] {
			seen[name] = true
			p.names = append(p.names, name)
		}
	}
	return nil
}

// message is the reverse of dictOf.
func (s shape) message(typ string, members object) (channel.Message, error) {
	switch s {
	case text:
		value, _ := members.get(textKey)
		if written, ok := value.(string); ok {
			return channel.NewMessage(typ, []byte(written)), nil
		}
		return channel.Message{}, errors.New("has no text")
	case binary:
		data, err := bytesOf(members)
		return channel.FromPrepared(typ, parley.Prepare(parley.Binary(data))), err
	case bare:
		for i := range members {
			if members[i].key == typeKey {
				members = append(members[:i], members[i+1:]...)
				break
			}
		}
	}
	payload, err := appendJSON(nil, members)
	return channel.NewMessage(typ, payload), err
}

func bytesOf(members object) ([]byte, error) {
	switch value, _ := members.get(bytesKey); value := value.(type) {
	case []byte:
		return value, nil
	case string: // in JSON
		return base64.StdEncoding.DecodeString(value)
	}
	return nil, errors.New("has no bytes")
}

func refused(err error) error {
	return fmt.Errorf("channelsredis: message for Channels %w: %w", err, parley.ErrInvalidPayload)
}
