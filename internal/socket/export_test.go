package socket

// For tests from outside, which run against a live gateway.
var (
	Masked    = masked
	MayBeText = mayBeText
	Deflate   = deflate
	Inflate   = inflate
)
