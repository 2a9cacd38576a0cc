package fallback

import (
	"log/slog"
	"math"
	"net/http"
	"time"

	"github.com/parleygo/parley/internal/options"
	"github.com/parleygo/parley/internal/origin"
)

// Options of an App. Zero is the default, negative no limit where that is said,
// and anything else that makes no sense panics in New.
type Options struct {
	// Lease is how long a fallback session waits for its client to come back,
	// between two polls or after a stream was lost. Then its app is told 1006.
	// Default 15 s.
	Lease time.Duration

	// PollTimeout is how long a poll without news is held, and a message for
	// which the app has no room. Default 25 s.
	PollTimeout time.Duration

	// Heartbeat is the silence after which a stream gets a comment. Default
	// 15 s; negative: never.
	Heartbeat time.Duration

	// WriteTimeout is how long a client may take what it is sent without making
	// progress: a stream that does not flow, a poll after the other that
	// confirms nothing. Then its session ends with 1013, and the app's cause is
	// parley.ErrSlowConsumer. Default 30 s; negative: no limit.
	WriteTimeout time.Duration

	// HandshakeTimeout is how long the app may take to accept or deny a client,
	// which is answered with 503 then. Default 10 s; negative: no limit.
	HandshakeTimeout time.Duration

	// LeakAfter is how long an app may go on when its session is over. Then a warning
	// in the log says so, once, with the route, the age and the stack of its
	// goroutine. Default 10 s; negative: never.
	LeakAfter time.Duration

	// MaxSessions is how many fallback sessions there may be; more are answered
	// with 503. Default 10 000; negative: no limit.
	MaxSessions int

	// MaxPerClient is how many of them one client may have; more are answered
	// with 429. A client is a user, or where nobody is logged in an address
	// (Scope.Client, so put middleware.TrustedProxies above behind a proxy; of
	// IPv6 a /64 network). Default 256; negative: no limit.
	MaxPerClient int

	// MaxMemory bounds what all sessions hold together, in bytes: the header of
	// their first request, messages that come in or wait for the app, and
	// messages that wait for the client, though one of each session may always
	// wait. A message that all of a group share counts once at most. Whoever
	// wants to open a session or to send a message then is answered with 503,
	// and the app finds no room for what it sends. Default 64 MiB, or four
	// messages of MaxMessage; less than one of them panics; negative: no limit.
	// It is not shared out: one client whose sessions hold all that they may
	// (MaxPerClient times QueueBytes and ReceiveBytes) can take it. Where the
	// three together allow that and it matters, lower them.
	MaxMemory int64

	// MaxMessage bounds a message of the client, in bytes. More is answered
	// with 413 and closes with 1009. Default 1 MiB; negative: no limit.
	MaxMessage int64

	// ReceiveBytes bounds the client's messages that wait for the app to
	// receive them. One may always wait. Default 64 KiB; negative: no limit.
	ReceiveBytes int

	// QueueMessages and QueueBytes bound what waits for the client to fetch it.
	// One message may always wait. Defaults 256 messages and 1 MiB; negative: no
	// limit.
	QueueMessages int
	QueueBytes    int

	// Origins are the pages that may open a session, in the patterns of
	// middleware.OriginOptions.Allow. A list stands for itself only, without this
	// host. A request without an Origin is let in, unless Sec-Fetch-Site says
	// that it comes from elsewhere. nil stands for the pages that may open a socket
	// here: those of the gateway's Options, or this host's own and those that
	// middleware.Origin lets in below.
	Origins []string

	// CheckOrigin decides in place of Origins. An error is answered with 403.
	CheckOrigin func(*http.Request) error

	// CookieName names the cookie that keeps the secret of clients nobody knows.
	// With "__Secure-" or "__Host-" in front browsers take it over TLS only, and let no
	// other host of the domain set one: the latter has the path "/". Default
	// "parley-fallback".
	CookieName string

	// CookiePath is the cookie's path. Default: that of the request which opens
	// the session. A proxy that cuts off a part of the path needs another one, and
	// an app with many paths, a room each, does well to have a common one.
	CookiePath string

	// Logger is told of apps that fail. Default slog.Default(); a logger of
	// slog.DiscardHandler is silent.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Lease = options.Positive("fallback: Options.Lease", o.Lease, 15*time.Second)
	o.PollTimeout = options.Positive("fallback: Options.PollTimeout", o.PollTimeout, 25*time.Second)
	o.Heartbeat = options.Limit(o.Heartbeat, 15*time.Second)
	o.WriteTimeout = options.Limit(o.WriteTimeout, 30*time.Second)
	o.HandshakeTimeout = options.Limit(o.HandshakeTimeout, 10*time.Second)
	o.LeakAfter = options.Limit(o.LeakAfter, 10*time.Second)
	o.MaxSessions = options.Limit(o.MaxSessions, 10_000)
	o.MaxPerClient = options.Limit(o.MaxPerClient, 256)
	o.MaxMessage = options.Limit(o.MaxMessage, 1<<20)
	o.MaxMemory = maxMemory(o.MaxMemory, o.MaxMessage)
	o.ReceiveBytes = options.Limit(o.ReceiveBytes, 64<<10)
	o.QueueMessages = options.Limit(o.QueueMessages, 256)
	o.QueueBytes = options.Limit(o.QueueBytes, 1<<20)
	if o.CookieName == "" {
		o.CookieName = "parley-fallback"
	}
	cookie := http.Cookie{Name: o.CookieName, Path: o.CookiePath}
	if err := cookie.Valid(); err != nil {
		panic("fallback: Options.CookieName, Options.CookiePath: " + err.Error())
	}
	if _, atRoot := prefixOf(o.CookieName); atRoot && o.CookiePath != "" && o.CookiePath != "/" {
		panic("fallback: Options.CookiePath: a cookie of the name " + o.CookieName + ` has the path "/"`)
	}
	if o.CheckOrigin == nil && o.Origins != nil {
		allowed := origin.New(origin.Rules{
			Allow: origin.MustPatterns("fallback: Options.Origins", o.Origins), AllowMissing: true,
		})
		o.CheckOrigin = func(r *http.Request) error { return originError(allowed.Request(r)) }
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// maxMemory is the bound of all sessions, which has room for a message.
func maxMemory(set, message int64) int64 {
	least := int64(0)
	if options.Limited(message) {
		least = message
	}
	if set > 0 && set < least {
		panic("fallback: Options.MaxMemory: less than MaxMessage")
	}
	return options.Limit(set, max(64<<20, min(least, math.MaxInt64/4)*4))
}

// originError makes an error of a refusal, which is none where that is nil.
func originError(by *origin.Refusal) error {
	if by == nil {
		return nil
	}
	return by
}
