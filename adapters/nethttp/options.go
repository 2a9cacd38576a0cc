package nethttp

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/parleygo/parley/internal/socket"
)

// Option configures a Gateway.
type Option func(*options)

type options struct {
	logger           *slog.Logger
	rootPath         string
	hold             bool
	checkOrigin      func(*http.Request) error
	maxBody          int64
	bodyTimeout      time.Duration
	handshakeTimeout time.Duration
	maxAge           time.Duration
	socket           socket.Options
}

func newOptions(list []Option) options {
	o := options{
		logger:           slog.Default(),
		maxBody:          10 << 20,
		bodyTimeout:      30 * time.Second,
		handshakeTimeout: 10 * time.Second,
	}
	for _, option := range list {
		option(&o)
	}
	return o
}

// Logger names where failures of apps are logged. Default slog.Default(); nil
// is silent.
func Logger(logger *slog.Logger) Option {
	return func(o *options) {
		if logger == nil {
			logger = slog.New(slog.DiscardHandler)
		}
		o.logger = logger
	}
}

// RootPath is the prefix of request paths under which the app is mounted. It
// becomes the scope's RootPath and is not taken from any header. Default none.
func RootPath(path string) Option {
	return func(o *options) { o.rootPath = path }
}

// Hold keeps ServeHTTP until the app of a WebSocket has returned. Without it
// ServeHTTP returns after the upgrade, which frees about 12 KiB a socket, but
// lets middleware above believe the session has ended.
func Hold() Option {
	return func(o *options) { o.hold = true }
}

// Detach undoes Hold, where an adapter holds by default: ServeHTTP returns after
// the upgrade.
func Detach() Option {
	return func(o *options) { o.hold = false }
}

// CheckOrigin replaces SameOrigin as the check of a WebSocket handshake's
// Origin. A handshake for which check returns an error is answered with 403.
func CheckOrigin(check func(*http.Request) error) Option {
	return func(o *options) { o.checkOrigin = check }
}

// InsecureSkipOriginCheck lets pages of any site open WebSockets here, with the
// cookies their visitors have for this site. It is safe only where a check
// stands elsewhere or nothing depends on cookies.
func InsecureSkipOriginCheck() Option {
	return CheckOrigin(func(*http.Request) error { return nil })
}

// MaxBody is how many bytes of a request body an app receives in events before
// Receive fails with parley.ErrTooLarge, which answers 413. Default 10 MiB;
// negative means no limit. Handlers wrapped with App read their body themselves
// and are not bound by it.
func MaxBody(bytes int64) Option {
	return func(o *options) { o.maxBody = bytes }
}

// BodyTimeout is how long the client may send nothing while an app waits for its
// request body. Default 30 s; negative means no timeout. A server with a
// ReadTimeout of its own keeps to that one.
func BodyTimeout(timeout time.Duration) Option {
	return func(o *options) { o.bodyTimeout = timeout }
}

// HandshakeTimeout is how long an app may take to answer a WebSocket handshake
// before the client is told 503. Default 10 s; negative means no timeout.
func HandshakeTimeout(timeout time.Duration) Option {
	return func(o *options) { o.handshakeTimeout = timeout }
}

// Sockets sets the limits of a Gateway's WebSockets.
type Sockets struct {
	// MaxMessage is how many bytes a received message may have, after
	// inflation. Default 1 MiB; negative means no limit. More closes with 1009.
	MaxMessage int64

	// ReadAhead is how many messages (of together at most 1 MiB) are read
	// while the app is busy. Default 32; then TCP holds the peer back.
	ReadAhead int

	// QueueMessages and QueueBytes bound what waits to be sent. Defaults 256
	// messages, counted while the peer does not read, and 1 MiB. Send waits for
	// room for up to WriteTimeout.
	QueueMessages int
	QueueBytes    int

	// WriteTimeout is how long a peer may take nothing while something waits
	// for it, default 10 s. Then the connection is cut as parley.ErrSlowConsumer.
	WriteTimeout time.Duration

	// PingInterval is the silence after which the peer is pinged, default
	// 25 s; after PongTimeout more, default 20 s, the connection is cut as
	// parley.ErrIdle. Any inbound byte is a sign of life. A negative
	// PingInterval turns the heartbeat off.
	PingInterval time.Duration
	PongTimeout  time.Duration

	// CloseTimeout bounds the close handshake. Default 5 s.
	CloseTimeout time.Duration

	// Deflate offers permessage-deflate, without context takeover, for
	// messages from DeflateThreshold bytes on (default 512). Default off: it
	// costs CPU and memory, and mixes secrets with what an attacker can choose.
	Deflate          bool
	DeflateThreshold int
}

// WebSockets sets the limits of the Gateway's WebSockets.
func WebSockets(sockets Sockets) Option {
	return func(o *options) { o.socket = socket.Options(sockets) }
}
