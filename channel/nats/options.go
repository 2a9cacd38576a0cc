package nats

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parleygo/parley/internal/options"
)

// Options of a Transport. The zero value connects to a server on this machine. For
// numbers and durations the rule of package parley holds: zero is the default.
type Options struct {
	// Servers are the URLs of the servers of one cluster, "nats://a:4222", "tls://b"
	// or "wss://c". One is chosen by chance, and another when it is gone; those that the
	// cluster itself tells of are tried too. Default nats://127.0.0.1:4222.
	Servers []string

	// InProcess is a server that runs in this program, such as one of package embedded.
	// Servers must be empty then.
	InProcess natsgo.InProcessConnProvider

	// TLS is for servers that ask for it, or whose URL does.
	TLS *tls.Config

	// User and Password, Token, or Credentials, the path of a file that nsc has made, say
	// who this is. They may also stand in the URLs.
	User, Password, Token, Credentials string

	// Connect are further options of nats.go, for what is not here, such as a proxy. Those
	// that this package depends on win.
	Connect []natsgo.Option

	// Prefix is the first token of every subject, and begins the names of streams and
	// buckets: permissions for "acme.>" hold for all that a transport with Prefix "acme"
	// publishes. It is of ASCII letters, digits, '-' and '_', does not begin with '_', and has
	// at most 32 bytes. Default "parley". It panics at wiring if it is something else.
	Prefix string

	// Unconfirmed has Publish return without waiting for the server: it is faster for one
	// goroutine that publishes much, and what was published just before the connection
	// broke, or is not allowed, may be lost without an error.
	Unconfirmed bool

	// Timeout bounds what waits for the server and has a ctx that ends later. Default 5 s.
	Timeout time.Duration

	// MaxBackoff is the longest pause between two attempts to connect again. They begin
	// at some milliseconds, double, and are shortened by chance by up to a half.
	// Default 2 s.
	MaxBackoff time.Duration

	// Heartbeat is how often a silent connection is tried. One that does not answer twice
	// in a row is given up. Default 5 s.
	Heartbeat time.Duration

	// MaxPending bounds the payloads that have arrived and wait to be delivered, in bytes.
	// What does not fit is lost, as an interruption of its subject. Default 64 MiB.
	MaxPending int

	// Storage is where the server keeps history: in files, which is the default, or in
	// its memory. Streams that exist keep theirs.
	Storage jetstream.StorageType

	// Replicas is how many servers of a cluster keep what is kept: history, and who is
	// present. Default 1. Streams that exist keep theirs.
	Replicas int

	// Logger is told of connections that come and go, and of what the server refuses.
	// Nil means slog.Default.
	Logger *slog.Logger
}

// withDefaults panics on what can only be a mistake in the wiring.
func (o Options) withDefaults() Options {
	if o.Prefix == "" {
		o.Prefix = "parley"
	}
	if token(o.Prefix) != o.Prefix || o.Prefix[0] == '_' || len(o.Prefix) > 32 {
		panic(fmt.Sprintf("nats: Options.Prefix: %.40q is out of rule", o.Prefix))
	}
	if o.InProcess != nil && len(o.Servers) > 0 {
		panic("nats: Options.Servers: there is Options.InProcess as well")
	}
	if len(o.Servers) == 0 {
		o.Servers = []string{natsgo.DefaultURL}
	}
	o.Timeout = options.Positive("nats: Options.Timeout", o.Timeout, 5*time.Second)
	o.MaxBackoff = options.Positive("nats: Options.MaxBackoff", o.MaxBackoff, 2*time.Second)
	o.Heartbeat = options.Positive("nats: Options.Heartbeat", o.Heartbeat, 5*time.Second)
	o.MaxPending = options.Limit(o.MaxPending, 64<<20)
	o.Replicas = options.Positive("nats: Options.Replicas", o.Replicas, 1)
	return o
}

// logger is asked for when there is something to log: the default may change.
func (o *Options) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.Default()
	}
	return o.Logger
}

// connect returns what nats.go is told.
func (o *Options) connect() (servers string, told []natsgo.Option) {
	told = []natsgo.Option{natsgo.Name(o.Prefix), natsgo.Timeout(o.Timeout)}
	if o.InProcess != nil {
		told = append(told, natsgo.InProcessServer(o.InProcess))
	}
	if o.TLS != nil {
		told = append(told, natsgo.Secure(o.TLS))
	}
	if o.User != "" || o.Password != "" {
		told = append(told, natsgo.UserInfo(o.User, o.Password))
	}
	if o.Token != "" {
		told = append(told, natsgo.Token(o.Token))
	}
	if o.Credentials != "" {
		told = append(told, natsgo.UserCredentials(o.Credentials))
	}
	told = append(append(told, o.Connect...),
		natsgo.MaxReconnects(-1),
		natsgo.IgnoreAuthErrorAbort(), // who may enter is perhaps known again later
		natsgo.CustomReconnectDelay(o.backoff),
		natsgo.ReconnectBufSize(-1), // nothing is kept for a server that is not there
		natsgo.PingInterval(o.Heartbeat),
		natsgo.MaxPingsOutstanding(2),
		natsgo.NoCallbacksAfterClientClose(),
	)
	return strings.Join(o.Servers, ","), told
}

// backoff is how long to wait when all servers have been tried in vain so often.
func (o *Options) backoff(attempts int) time.Duration {
	pause := min(o.MaxBackoff, 10*time.Millisecond<<min(max(attempts-1, 0), 20))
	return pause - rand.N(pause/2+1)
}
