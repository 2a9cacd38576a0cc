package auth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// errForm is a token that follows its grammar and is refused for how it uses it.
var errForm = errors.New("auth: token of another kind, or with extensions, or not UTF-8")

// checkHeader refuses tokens with extensions that must be understood, since none
// is (RFC 7515, section 4.1.11), and tokens of another kind than the one wanted.
func checkHeader(token *jwt.Token, kind string) error {
	if _, ok := token.Header["crit"]; ok {
		return errForm
	}
	typ, _ := token.Header["typ"].(string)
	if kind != "" && !strings.EqualFold(strings.TrimPrefix(typ, "application/"), kind) {
		return errForm
	}
	return nil
}

// checkUTF8 looks at the token's parts, of which encoding/json repairs what is no
// UTF-8: two subjects could become one.
func checkUTF8(token *jwt.Token) error {
	for part := range strings.SplitSeq(token.Raw[:strings.LastIndexByte(token.Raw, '.')], ".") {
		text, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || !utf8.Valid(text) {
			return errForm
		}
	}
	return nil
}

// KeyError is a key that is too weak for its algorithm: a mistake of the server's
// set-up, such as a variable that is not set, which would let anybody in.
type KeyError struct {
	Algorithm string
	Problem   string
}

func (e *KeyError) Error() string { return "auth: key for " + e.Algorithm + ": " + e.Problem }

// minRSA is the least size of RSA keys (RFC 7518, section 3.3), in bits.
const minRSA = 2048

// checkKeys refuses keys that are too weak for a method.
func checkKeys(method jwt.SigningMethod, key any) error {
	set, ok := key.(jwt.VerificationKeySet)
	if !ok {
		return checkKey(method, key)
	}
	for _, key := range set.Keys {
		if err := checkKey(method, key); err != nil {
			return err
		}
	}
	return nil
}

func checkKey(method jwt.SigningMethod, key any) error {
	problem := ""
	switch key := key.(type) {
	case []byte:
		hmac, ok := method.(*jwt.SigningMethodHMAC)
		if !ok {
			return nil // the method refuses what is no key of its own
		}
		problem = weakSecret(key, hmac.Hash.Size())
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSA {
			problem = fmt.Sprintf("has %d bits, must have %d", bits, minRSA)
		}
	case *ecdsa.PublicKey:
		curve := key.Curve.Params()
		if want, ok := method.(*jwt.SigningMethodECDSA); ok && curve.BitSize != want.CurveBits {
			problem = "is on the curve " + curve.Name
		}
	case nil:
		problem = "is nil"
	}
	if problem == "" {
		return nil
	}
	return &KeyError{method.Alg(), problem}
}

// weakSecret tells what is wrong with a secret for a hash of size bytes (RFC 7518,
// section 3.2).
func weakSecret(key []byte, size int) string {
	switch {
	case len(key) < size:
		return fmt.Sprintf("has %d bytes, must have %d", len(key), size)
	case bytes.Count(key, key[:1]) == len(key):
		return "is one byte over and over: it was never filled"
	}
	return ""
}
