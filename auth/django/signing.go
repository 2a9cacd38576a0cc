package django

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

var errSignature = errors.New("django: bad signature")

// maxValues is how many bytes the values of a session may have, unpacked, and maxData how
// many before: more cannot be unpacked to something that is not too large.
const (
	maxValues = 1 << 20
	maxData   = 2 * maxValues
)

// saltedHMAC is django.utils.crypto.salted_hmac with SHA-256.
func saltedHMAC(salt, secret, value string) []byte {
	key := sha256.Sum256([]byte(salt + secret))
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(value))
	return mac.Sum(nil)
}

// loads is django.core.signing.loads of an object, signed with one of the keys. It also
// returns when that was.
func loads(keys []string, salt, text string) (map[string]any, time.Time, error) {
	rest, signature, ok := cutLast(text)
	if !ok || !signed(keys, salt, rest, signature) {
		return nil, time.Time{}, errSignature
	}
	data, stamp, ok := cutLast(rest)
	if !ok {
		return nil, time.Time{}, errSignature
	}
	seconds, err := base62(stamp)
	if err != nil {
		return nil, time.Time{}, err
	}
	values, err := unpack(data)
	return values, time.Unix(seconds, 0), err
}

// signed reports whether one of the keys has signed value. It takes as long for each.
func signed(keys []string, salt, value, signature string) bool {
	good := false
	for _, key := range keys {
		own := base64.RawURLEncoding.EncodeToString(saltedHMAC(salt+"signer", key, value))
		good = hmac.Equal([]byte(own), []byte(signature)) || good
	}
	return good
}

func cutLast(text string) (before, after string, ok bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return "", "", false
	}
	return text[:i], text[i+1:], true
}

// unpack reads what stands in a signed text: JSON in base64, compressed if there is a
// dot in front.
func unpack(data string) (map[string]any, error) {
	data, compressed := strings.CutPrefix(data, ".")
	if len(data) > maxData {
		return nil, fmt.Errorf("django: session: more than %d bytes", maxData)
	}
	text, err := base64.RawURLEncoding.DecodeString(data)
	if err != nil {
		return nil, fmt.Errorf("django: session: %w", err)
	}
	if compressed {
		text, err = inflate(text)
	}
	if err == nil && len(text) > maxValues {
		err = fmt.Errorf("more than %d bytes", maxValues)
	}
	if err != nil {
		return nil, fmt.Errorf("django: session: %w", err)
	}
	var values map[string]any
	if err := json.Unmarshal(text, &values); err != nil {
		return nil, fmt.Errorf("django: session is no JSON object: %w", err)
	}
	return values, nil
}

func inflate(data []byte) ([]byte, error) {
	reader, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(reader, maxValues+1))
}

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// base62 reads the number of seconds that a signature has.
func base62(text string) (number int64, err error) {
	if text == "" || len(text) > 8 { // until the year 6900000
		return 0, errSignature
	}
	for i := range len(text) {
		digit := strings.IndexByte(digits, text[i])
		if digit < 0 {
			return 0, errSignature
		}
		number = number*62 + int64(digit)
	}
	return number, nil
}
