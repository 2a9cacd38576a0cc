//go:build !linux

package consumer_test

// threadID cannot tell threads apart here.
func threadID() int { return 0 }
