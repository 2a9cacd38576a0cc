package channel

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// Hashed returns a valid group name for any text, such as one that a user has
// typed: what is readable of it, and a SHA-256 of all of it. The same text has the
// same name in every process, and nobody can find two texts with one name.
//
//	channel.Hashed("room." + title)
func Hashed(text string) Group {
	sum := sha256.Sum256([]byte(text))
	hash := hashAlphabet.EncodeToString(sum[:])
	readable := strings.Map(func(r rune) rune {
		if r < 256 && allowed[r] {
			return r
		}
		return '_'
	}, text[:min(len(text), 4*MaxName)]) // a rune has four bytes at most
	if readable = readable[:min(len(readable), MaxName-len(hash)-1)]; readable != "" {
		readable += "."
	}
	return Group(readable + hash)
}

var hashAlphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
