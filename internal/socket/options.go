package socket

import "time"

// Options is the policy of a socket. Zero fields mean the default.
type Options struct {
	// MaxMessage is how many bytes a message of the peer may have, after
	// inflation. Default 1 MiB; negative means no limit. More closes with 1009.
	MaxMessage int64

	// ReadAhead is how many messages are read while the app is busy. Default
	// 32; then reading stops and TCP holds the peer back.
	ReadAhead int

	// QueueMessages and QueueBytes bound what waits to be written. Defaults
	// 256 messages, counted while the peer does not read, and 1 MiB; a single
	// message of any size fits an empty queue.
	QueueMessages int
	QueueBytes    int

	// WriteTimeout is how long the peer may take nothing while something
	// waits to be written. Default 10 s.
	WriteTimeout time.Duration

	// PingInterval is the silence after which the peer is pinged, default
	// 25 s; PongTimeout is how much longer it may stay silent, default 20 s.
	// Any inbound byte is a sign of life. A negative PingInterval turns the
	// heartbeat off.
	PingInterval time.Duration
	PongTimeout  time.Duration

	// CloseTimeout bounds the close handshake. Default 5 s.
	CloseTimeout time.Duration

	// Deflate offers permessage-deflate without context takeover; messages
	// from DeflateThreshold bytes on (default 512) are compressed. Default off.
	Deflate          bool
	DeflateThreshold int
}

func (o *Options) setDefaults() {
	orDefault(&o.MaxMessage, 1<<20)
	orDefault(&o.ReadAhead, 32)
	orDefault(&o.QueueMessages, 256)
	orDefault(&o.QueueBytes, 1<<20)
	orDefault(&o.WriteTimeout, 10*time.Second)
	orDefault(&o.PingInterval, 25*time.Second)
	orDefault(&o.PongTimeout, 20*time.Second)
	orDefault(&o.CloseTimeout, 5*time.Second)
	orDefault(&o.DeflateThreshold, 512)
}

func orDefault[T int | int64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
