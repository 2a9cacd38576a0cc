package nethttp

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/options"
	"github.com/parleygo/parley/internal/origin"
)

// Options configures a Gateway. The zero value is the safe default.
type Options struct {
	// Logger gets failures of apps, and refusals worth knowing. nil is
	// slog.Default().
	Logger *slog.Logger

	// RootPath is the prefix of request paths under which the app is mounted, such
	// as "/api". It becomes the scope's RootPath and is not taken from any header.
	RootPath string

	// Mode says how long ServeHTTP stays with a WebSocket. Default Detach; that of
	// gin's adapter is Hold.
	Mode Mode

	// Origins are the pages that may open WebSockets here, in the patterns of
	// middleware.OriginOptions.Allow: "shop.example", "https://.shop.example", "*".
	// A list stands for itself only, without this host. A handshake without an
	// Origin comes from no browser, carries nobody's cookies and is let in. nil
	// stands for this host's own pages, and for those that middleware.Origin lets
	// in on the way to the app. What package fallback offers in place of a socket is
	// for the same pages, where its own options name none.
	Origins []string

	// CheckOrigin decides in place of Origins. A handshake for which it returns an
	// error is answered with 403.
	CheckOrigin func(*http.Request) error

	// InsecureSkipOriginCheck lets pages of any site open WebSockets here, with the
	// cookies their visitors have for this site. It is safe only where a check
	// stands elsewhere or nothing depends on cookies.
	InsecureSkipOriginCheck bool

	// MaxBody is how many bytes of a request body an app receives in events before
	// Receive fails with parley.ErrTooLarge, which answers 413. Default 10 MiB;
	// negative means no limit. Handlers wrapped with App read their body themselves
	// and are not bound by it.
	MaxBody int64

	// BodyTimeout is how long the client may send nothing while an app waits for its
	// request body. Default 30 s; negative means no limit. A server with a
	// ReadTimeout of its own keeps to that one.
	BodyTimeout time.Duration

	// WriteTimeout is how long the client may take nothing of an answer while some of
	// it waits. Default 30 s; negative means no limit. Then the connection is cut as
	// parley.ErrSlowConsumer. It is renewed with every piece that is written, as is
	// the WriteTimeout of a server that has one, which then counts. Handlers wrapped
	// with App are bound by their server's alone.
	WriteTimeout time.Duration

	// HandshakeTimeout is how long an app may take to answer a WebSocket handshake
	// before the client is told 503. Default 10 s; negative means no limit.
	HandshakeTimeout time.Duration

	// MaxAge is how long a WebSocket may live before it is closed with 1012 and the
	// cause parley.ErrTooOld, so that its client comes back, perhaps to another
	// server. Each socket's own age differs from it by up to a tenth, so that those
	// opened together do not come back together. Default none.
	MaxAge time.Duration

	// LeakAfter is how long an app may go on when its conversation is over, its client
	// gone or its socket closed. Then a warning in the log says so, once, with the
	// route, the age and the stack of its goroutine, and Stats counts it: it waits for
	// something that its context does not end. Default 10 s; negative means never.
	LeakAfter time.Duration

	// WebSocket holds the limits of the WebSockets.
	WebSocket parley.SocketOptions
}

// Mode says how long ServeHTTP stays with a WebSocket.
type Mode uint8

const (
	// DefaultMode is the adapter's own.
	DefaultMode Mode = iota

	// Detach has ServeHTTP return after the upgrade, which frees about 12 KiB a
	// socket, but lets middleware above believe the session has ended.
	Detach

	// Hold keeps ServeHTTP until the app of the WebSocket has returned, for
	// middleware above that is to stand around the whole session. A handshake that is
	// denied is answered at once all the same; the end of a denial in parts, which has
	// no length, comes when the app returns.
	Hold
)

// settings are Options put to work.
type settings struct {
	Options
	checkOrigin func(*http.Request) error // nil: the question goes down to the app
	pages       *origin.Policy            // of Options.Origins
}

// complete fills in the defaults. Mistakes panic: options are wiring.
func complete(o Options) settings {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	checkRootPath(o.RootPath)
	if o.Mode > Hold {
		panic(fmt.Sprintf("nethttp: Options.Mode: %d is none", o.Mode))
	}
	o.MaxBody = options.Limit(o.MaxBody, 10<<20)
	o.BodyTimeout = options.Limit(o.BodyTimeout, 30*time.Second)
	o.WriteTimeout = options.Limit(o.WriteTimeout, 30*time.Second)
	o.HandshakeTimeout = options.Limit(o.HandshakeTimeout, 10*time.Second)
	o.LeakAfter = options.Limit(o.LeakAfter, 10*time.Second)
	complete := settings{Options: o}
	complete.checkOrigins()
	return complete
}

// checkRootPath panics for what is no prefix of a path.
func checkRootPath(path string) {
	right := "/" + strings.Trim(path, "/")
	switch {
	case path == "" || path == right && path != "/":
	case right == "/":
		panic(fmt.Sprintf("nethttp: Options.RootPath: %q is no prefix; leave it empty", path))
	default:
		panic(fmt.Sprintf("nethttp: Options.RootPath: %q; write %q", path, right))
	}
}

// one is the Options of a constructor that takes none or one.
func one(who string, list []Options) Options {
	switch len(list) {
	case 0:
		return Options{}
	case 1:
		return list[0]
	}
	panic("nethttp: " + who + " takes one Options")
}
