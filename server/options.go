package server

import (
	"io/fs"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/options"
)

// Options of a Server. The zero value serves plain HTTP on port 8080 of all
// interfaces, with limits that suit a service behind a proxy or on the open
// network.
type Options struct {
	// Addr is where to listen, if Listeners names nothing: see Listener.Addr.
	// Default ":8080".
	Addr string

	// Listeners are served side by side, each with limits of its own.
	Listeners []Listener

	// Gateway sets the limits of conversations and sockets.
	Gateway nethttp.Options

	// ReadyDelay is how long a drain goes on serving after readiness has turned
	// false, so that load balancers look elsewhere first. Default 0; Run waits
	// it out, and a second signal does not.
	ReadyDelay time.Duration

	// DrainTimeout is how long Run and Stop let conversations end in order before
	// they are cut. Default 30 s; negative means no limit.
	DrainTimeout time.Duration

	// HealthPath and ReadyPath are answered in front of the app: 200 while the
	// process lives, and 200 while it wants traffic, 503 otherwise. Default
	// none; see Server.Health and Server.Ready for handlers to mount. They begin with
	// a slash, and are not the same.
	HealthPath string
	ReadyPath  string

	// Serving is told the address of the first socket, once clients are accepted.
	// Default: a line in the log.
	Serving func(addr net.Addr)

	// Signals begin the drain of Run; a second one ends the process's
	// conversations at once. Default SIGINT and SIGTERM; an empty list, unlike nil,
	// stands for none.
	Signals []os.Signal

	// Configure changes an http.Server before it is used, one for each
	// listener: for what these options do not have. Default none.
	Configure func(*http.Server)

	// Logger is told of start and end and of what net/http reports. Default
	// slog.Default().
	Logger *slog.Logger
}

// Listener is one place where clients are accepted.
type Listener struct {
	// Addr is "host:port" for TCP (port 0 takes a free one), "unix:PATH" for a
	// unix socket, "fd:N" for a descriptor that was handed down, "systemd" or
	// "systemd:NAME" for the sockets that systemd has opened. It is not looked
	// at where Socket is set.
	Addr string

	// Socket is a listener that the program has made itself. The server closes it.
	Socket net.Listener

	// Mode is the mode of a unix socket's file. Default 0660.
	Mode fs.FileMode

	// ReusePort lets several processes listen on one TCP port (SO_REUSEPORT), so
	// that a new one can take over before the old one has gone. Each begins to listen
	// when its app has started. It fails where the platform has none; without
	// Linux a client that connects while one leaves may be reset.
	ReusePort bool

	// TLS serves HTTPS, with HTTP/2, and with WebSockets over it where the process
	// allows them: see the package's doc. Default plain HTTP.
	TLS *TLS

	// H2C serves HTTP/2 without TLS beside HTTP/1, for proxies that speak it.
	H2C bool

	// MaxConns is how many connections may be open. Default no limit.
	MaxConns int

	// Refuse answers connections beyond MaxConns with 503 and Retry-After, and
	// closes them (behind TLS: closes them). Default: they wait until there is
	// room.
	Refuse bool

	// MaxHeader bounds a request's header, in bytes. Default 64 KiB.
	MaxHeader int

	// HeaderTimeout is how long a client may take for a request's header.
	// Default 10 s; negative means no limit.
	HeaderTimeout time.Duration

	// BodyTimeout is how long a client may leave a handler waiting for the next piece
	// of a request's body; then the read fails with os.ErrDeadlineExceeded. Apps in
	// events have nethttp.Options.BodyTimeout, which is shorter, besides. Default
	// 1 min; negative means no limit.
	BodyTimeout time.Duration

	// IdleTimeout is how long a connection waits for its next request. Default
	// 2 min; negative means no limit.
	IdleTimeout time.Duration
}

func (o Options) withDefaults() Options {
	if o.Addr == "" {
		o.Addr = ":8080"
	}
	if len(o.Listeners) == 0 {
		o.Listeners = []Listener{{Addr: o.Addr}}
	}
	o.ReadyDelay = options.Positive("server: Options.ReadyDelay", o.ReadyDelay, 0)
	o.DrainTimeout = options.Limit(o.DrainTimeout, 30*time.Second)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Gateway.Logger == nil {
		o.Gateway.Logger = o.Logger
	}
	for i := range o.Listeners {
		o.Listeners[i] = o.Listeners[i].withDefaults()
	}
	return o
}

func (l Listener) withDefaults() Listener {
	if l.Mode == 0 {
		l.Mode = 0o660
	}
	l.MaxConns = options.Limit(l.MaxConns, math.MaxInt)
	l.MaxHeader = options.Positive("server: Listener.MaxHeader", l.MaxHeader, 64<<10)
	l.HeaderTimeout = options.Limit(l.HeaderTimeout, 10*time.Second)
	l.BodyTimeout = options.Limit(l.BodyTimeout, time.Minute)
	l.IdleTimeout = options.Limit(l.IdleTimeout, 2*time.Minute)
	return l
}
