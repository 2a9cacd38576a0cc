package parley

import "time"

// SocketOptions are the limits of WebSockets, for whatever serves them. The zero
// value is the safe default.
type SocketOptions struct {
	// MaxMessage is how many bytes a received message may have, after inflation.
	// Default 1 MiB; negative means no limit. More closes with 1009, and so does a
	// message of more than 1024 frames that carry nothing.
	MaxMessage int64

	// ReadAhead is how many messages (of together at most 1 MiB) are read while
	// the app is busy. Default 32; then TCP holds the peer back.
	ReadAhead int

	// QueueMessages and QueueBytes bound what waits to be sent. Defaults 256
	// messages, counted while the peer does not read, and 1 MiB; negative means no
	// limit. A single message of any size fits an empty queue. Send waits for room
	// for up to WriteTimeout.
	QueueMessages int
	QueueBytes    int

	// WriteTimeout is how long a peer may take nothing while something waits for
	// it. Default 10 s; negative means no limit. Then the connection is cut as
	// ErrSlowConsumer.
	WriteTimeout time.Duration

	// PingInterval is the silence after which the peer is pinged, default 25 s;
	// after PongTimeout more, default 20 s, the connection is cut as ErrIdle. Any
	// inbound byte is a sign of life. A negative PingInterval turns the heartbeat
	// off.
	PingInterval time.Duration
	PongTimeout  time.Duration

	// CloseTimeout bounds the close handshake. Default 5 s. A peer that says
	// goodbye is answered behind what the app still says to messages that came
	// before, but after half of CloseTimeout at the latest.
	CloseTimeout time.Duration

	// Deflate offers permessage-deflate, without context takeover, for messages
	// from DeflateThreshold bytes on (default 512). Default off: it costs CPU and
	// memory, and mixes secrets with what an attacker can choose.
	Deflate          bool
	DeflateThreshold int
}
