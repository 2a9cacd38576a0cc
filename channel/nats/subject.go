package nats

import (
	"fmt"
	"strings"

	"github.com/parleygo/parley/channel"
)

// A subject of the layer becomes one of NATS behind the prefix and one of these:
const (
	plain   = ".pub."  // groups and names
	stored  = ".log."  // history; the next token says how much is kept
	live    = ".live." // what has just been stored, with its number
	queued  = ".job."  // work
	control = ".ctl."  // transports among themselves
)

const maxSubject = 255

// subject maps a subject of the layer behind a space. No two come together, and there
// is none that could be a wildcard.
func (t *Transport) subject(space, subject string) (string, error) {
	tokens, err := encode(subject)
	if err != nil {
		return "", err
	}
	return t.options.Prefix + space + tokens, nil
}

// encode turns what is allowed in a subject of the layer into tokens of NATS, which
// may not be empty. Nearly always it is the same text.
func encode(subject string) (string, error) {
	if subject == "" || len(subject) > maxSubject {
		return "", fmt.Errorf("nats: a subject of %d bytes: %w", len(subject), channel.ErrName)
	}
	same, before := true, byte('.')
	for i := range len(subject) {
		c := subject[i]
		if !letter(c) && c != '.' && c != '!' {
			return "", fmt.Errorf("nats: subject %q: %w", subject, channel.ErrName)
		}
		same = same && c != '!' && (c != '.' || before != '.')
		before = c
	}
	if same && before != '.' {
		return subject, nil
	}
	tokens := strings.Split(subject, ".")
	for i, text := range tokens {
		tokens[i] = token(text)
	}
	return strings.Join(tokens, "."), nil
}

// token makes one token of any text, which stays as it is if it is of letters, digits,
// '-' and '_'. Each text has a token of its own.
func token(text string) string {
	if text == "" {
		return "="
	}
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; letter(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

// untoken is the inverse of token.
func untoken(encoded string) (text string, ok bool) {
	if encoded == "=" {
		return "", true
	}
	var b strings.Builder
	for rest := encoded; rest != ""; {
		before, after, escaped := strings.Cut(rest, "=")
		b.WriteString(before)
		if !escaped {
			break
		}
		var c byte
		if _, err := fmt.Sscanf(after, "%02X", &c); err != nil || len(after) < 2 {
			return "", false
		}
		b.WriteByte(c)
		rest = after[2:]
	}
	text = b.String()
	return text, encoded != "" && token(text) == encoded
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}
