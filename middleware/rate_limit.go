package middleware

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/options"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/wiring"
	"golang.org/x/time/rate"
)

// Rate is how often something may happen. The zero value is no limit, and so is
// a negative PerSecond.
type Rate struct {
	PerSecond float64
	// Burst is how much may happen at once. Default: what a second allows, and
	// at least 1.
	Burst int
}

// checked returns the rate without what makes no difference, and panics for what
// makes no sense.
func (r Rate) checked(field string) Rate {
	options.Positive("middleware: RateLimitOptions."+field+".Burst", r.Burst, 1)
	switch {
	case math.IsNaN(r.PerSecond):
		panic("middleware: RateLimitOptions." + field + ".PerSecond: is not a number")
	case r.PerSecond == 0 && r.Burst > 0:
		panic("middleware: RateLimitOptions." + field + ".Burst: without a PerSecond")
	case r.PerSecond < 0:
		return Rate{}
	}
	return r
}

func (r Rate) limiter() *rate.Limiter {
	if r.PerSecond == 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(r.PerSecond), r.burst())
}

func (r Rate) burst() int {
	if r.Burst > 0 {
		return r.Burst
	}
	return max(1, int(math.Ceil(r.PerSecond)))
}

// refill is how long an empty bucket takes to fill.
//
//parley:inline
func (r Rate) refill() time.Duration {
	if r.PerSecond == 0 {
		return 0
	}
	return time.Duration(float64(r.burst()) / r.PerSecond * float64(time.Second))
}

// RateLimitOptions configure a RateLimit. Each limit holds per key.
type RateLimitOptions struct {
	// Key tells whose limits a conversation counts against. Default: the
	// client's address (Scope.Client, so put TrustedProxies above), for IPv6
	// its /64 network; all peers without an address share one key. A Key that
	// returns "" for everybody limits the server as a whole. Of a long key
	// nothing but a hash is kept.
	Key func(ctx context.Context, scope *parley.Scope) string

	// Requests limits requests of HTTP and handshakes, which are requests too;
	// Handshakes limits those of WebSockets on top. More are answered with 429
	// and Retry-After.
	Requests   Rate
	Handshakes Rate

	// Messages and Bytes limit what is received on sockets; a message that is
	// larger than the burst of Bytes never passes. More closes with 4429.
	Messages Rate
	Bytes    Rate

	// Connections is how many conversations may run at once, HTTP requests
	// and sockets together. Default no limit. More are answered with 503 and
	// Retry-After.
	Connections int

	// MaxKeys bounds the table of keys. Default 65536, about 20 MiB when full.
	// When it is full the key that was idle longest is forgotten; if all are
	// in use a new one is answered with 503.
	MaxKeys int

	// Report is told of refusals. nil is silent.
	Report Reporter
}

// RateLimit limits what one client, or user, may do. It keeps no goroutine: keys
// that have been idle until their limits were whole again are forgotten when
// others come. It is safe for concurrent use.
//
// Below fallback.New everything is a socket: there Handshakes and Connections count
// fallback sessions for as long as they live, and Messages and Bytes what their
// clients post. In front of it there are requests, which Requests and Connections
// count while they run. Put one on either side, each with its limits.
type RateLimit struct {
	options RateLimitOptions
	table   rateTable
}

// NewRateLimit makes a RateLimit. It panics for a limit that makes no sense, and
// if there is no limit at all.
func NewRateLimit(o RateLimitOptions) *RateLimit {
	o.Requests, o.Handshakes = o.Requests.checked("Requests"), o.Handshakes.checked("Handshakes")
	o.Messages, o.Bytes = o.Messages.checked("Messages"), o.Bytes.checked("Bytes")
	o.Connections = options.Limit(o.Connections, math.MaxInt)
	o.MaxKeys = options.Positive("middleware: RateLimitOptions.MaxKeys", o.MaxKeys, 1<<16)
	idle := max(o.Requests.refill(), o.Handshakes.refill(), o.Messages.refill(), o.Bytes.refill())
	if idle == 0 && !options.Limited(o.Connections) {
		panic("middleware: RateLimitOptions: without a limit")
	}
	l := &RateLimit{options: o}
	l.table.init(o.MaxKeys, idle, l.newBucket)
	return l
}

func (l *RateLimit) newBucket() *bucket {
	return &bucket{
		requests: l.options.Requests.limiter(), handshakes: l.options.Handshakes.limiter(),
		messages: l.options.Messages.limiter(), bytes: l.options.Bytes.limiter(),
	}
}

// Check decides on one more request or handshake, and counts it. The error is a
// *Refusal that is parley.ErrRateLimited. Connections are counted by Wrap only.
func (l *RateLimit) Check(scope *parley.Scope) error {
	if !protocol.Requested(scope) {
		return nil
	}
	b, err := l.take(context.Background(), scope)
	if err == nil {
		l.table.release(b)
	}
	return err
}

// Wrap puts the limits in front of next. It wraps the conn of sockets only, and
// only if Messages or Bytes are limited.
func (l *RateLimit) Wrap(next parley.App) parley.App {
	wiring.Need("middleware: RateLimit.Wrap", "app", next)
	return guarded(next, rateGuard{l}, l.act)
}

// rateGuard acts on conversations of which some are too many.
type rateGuard struct{ *RateLimit }

// Check implements decider.
func (g rateGuard) Check(scope *parley.Scope) error {
	if !protocol.Requested(scope) || g.idle(scope.Protocol) {
		return nil
	}
	return errInvolved
}

func (l *RateLimit) act(
	ctx context.Context, scope *parley.Scope, conn parley.Conn, next parley.App, _ error,
) error {
	b, err := l.take(ctx, scope)
	if err != nil {
		return Refuse(ctx, scope, conn, l.options.Report, refusalOf(err))
	}
	defer l.table.release(b)
	if scope.Protocol == parley.WebSocket && (b.messages != nil || b.bytes != nil) {
		return limited(ctx, scope, conn, next, b.admit)
	}
	return next.Serve(ctx, scope, conn)
}

// idle tells that nothing limits conversations of a protocol.
func (l *RateLimit) idle(protocol parley.Protocol) bool {
	return protocol == parley.HTTP && !options.Limited(l.options.Connections) &&
		l.options.Requests.PerSecond == 0
}

// take finds the bucket and takes one conversation out of it.
func (l *RateLimit) take(ctx context.Context, scope *parley.Scope) (*bucket, error) {
	now := time.Now()
	b := l.table.acquire(l.keyOf(ctx, scope), now)
	if b == nil {
		return nil, overloaded("too many clients")
	}
	if limit := l.options.Connections; int(b.open.Load()) > limit {
		l.table.release(b)
		return nil, overloaded(fmt.Sprintf("more than %d conversations at once", limit))
	}
	limiters := [...]*rate.Limiter{b.requests, nil}
	if scope.Protocol == parley.WebSocket {
		limiters[1] = b.handshakes
	}
	for _, limiter := range limiters {
		if limiter != nil && !limiter.AllowN(now, 1) {
			l.table.release(b)
			return nil, tooOften(limiter, now)
		}
	}
	return b, nil
}

func tooOften(limiter *rate.Limiter, now time.Time) error {
	wait := (1 - limiter.TokensAt(now)) / float64(limiter.Limit())
	return &Refusal{
		By: "rate-limit", Reason: "rate", Status: http.StatusTooManyRequests,
		Err:        parley.ErrRateLimited,
		RetryAfter: max(time.Second, time.Duration(wait*float64(time.Second))),
	}
}

func overloaded(detail string) error {
	return &Refusal{
		By: "rate-limit", Reason: "connections", Status: http.StatusServiceUnavailable,
		Err:        parley.ErrRateLimited,
		RetryAfter: time.Second, Detail: detail,
	}
}

func (l *RateLimit) keyOf(ctx context.Context, scope *parley.Scope) rateKey {
	if l.options.Key != nil {
		return shortKey(l.options.Key(ctx, scope))
	}
	return clientKey64(scope)
}

// longKey is how many bytes of a key are kept. A client may choose them, and a
// header holds a megabyte.
const longKey = 64

func shortKey(text string) rateKey {
	if len(text) <= longKey {
		return rateKey{text: text}
	}
	sum := sha256.Sum256([]byte(text))
	return rateKey{text: string(sum[:])}
}

// rateKey is what limits are kept by: a text, or a network of IPv6.
type rateKey struct {
	network uint64
	text    string
}

// clientKey64 is the key of a peer's address: IPv4 as it is written, which saves
// the parsing, and of IPv6 the /64 network, which is what one customer has.
//
//parley:noescape
func clientKey64(scope *parley.Scope) rateKey {
	remote := scope.Request.RemoteAddr
	colon := strings.IndexByte(remote, ':')
	if colon > 0 && remote[0] >= '0' && remote[0] <= '9' &&
		colon == strings.LastIndexByte(remote, ':') {
		return rateKey{text: remote[:colon]}
	}
	client, ok := scope.Client()
	if !ok {
		return rateKey{}
	}
	if addr := client.Addr(); !addr.Is4In6() && addr.Is6() {
		bytes := addr.As16()
		return rateKey{network: binary.BigEndian.Uint64(bytes[:]), text: "/64"}
	}
	return rateKey{text: client.Addr().Unmap().String()}
}
