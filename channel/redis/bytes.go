package redis

import "unsafe"

// bytesOf returns the bytes of a text that nobody else has. They are not to be
// changed, as no payload is.
func bytesOf(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }
