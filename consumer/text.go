package consumer

import "unsafe"

// A message's bytes belong to the consumer that has received it, for ever or for as
// long as they are lent, and those of a string to nobody: neither has to be copied to be
// the other, as long as nobody writes.

// textOf returns data as a string. Nobody may write data while it is used.
//
//parley:inline
func textOf(data []byte) string { return unsafe.String(unsafe.SliceData(data), len(data)) }

// bytesOf returns the bytes of text, which nobody may write.
//
//parley:inline
func bytesOf(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }
