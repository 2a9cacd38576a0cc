package middleware

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/origin"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/wiring"
)

// OriginOptions configure an Origin. The zero value is the safe default: the
// page that opens a socket must come from this very host.
type OriginOptions struct {
	// Allow lists the origins that may come in. nil stands for the request's
	// own origin; a list stands for itself only, unless SameOrigin is set; an
	// empty list that is not nil refuses everybody. A pattern is one of
	//
	//	example.com               this host, any port, http, https, ws or wss
	//	.example.com              this domain and all its subdomains
	//	example.com:8080          this host and port
	//	https://example.com       scheme, host and port are equal; also with a dot
	//	https://example.com:8443
	//	*                         everything, a missing Origin included
	//
	// Letters may be of either case; names outside ASCII are taken as browsers
	// write them (punycode).
	Allow []string

	// SameOrigin adds the request's own origin to Allow.
	SameOrigin bool

	// AllowMissing lets handshakes without an Origin in: programs, not
	// browsers. Use it for native clients, best with tokens. Default off.
	AllowMissing bool

	// CheckReads has GET and HEAD requests of HTTP checked too, as for a stream
	// of server-sent events that only this site shall read. Without it only
	// requests that change something are.
	CheckReads bool

	// ReportOnly tells Report who would have been refused, and refuses nobody:
	// for trying out a list. It decides nothing, so that a Gateway's own check
	// holds for those that the list would have refused.
	ReportOnly bool

	// Report is told of refusals. nil is silent.
	Report Reporter

	// Logger is warned, once, of a list that refuses everybody. Default
	// slog.Default().
	Logger *slog.Logger
}

// Origin guards against pages of other sites that use their visitors' cookies
// here: cross-site WebSocket hijacking, and CSRF on HTTP. It is safe for
// concurrent use.
//
// On a handshake a missing Origin is refused. On HTTP, where older browsers leave
// it out and pages without a referrer send "null", Sec-Fetch-Site decides, and a
// request that has neither comes from no browser and is let in. Where a browser
// says by Sec-Fetch-Site that a request comes from this very origin, or does not,
// it is believed: no script can set the header.
type Origin struct {
	policy  *origin.Policy
	options OriginOptions
}

// NewOrigin makes an Origin. It panics for a malformed pattern, with a
// suggestion; ParsePattern checks one beforehand.
func NewOrigin(options OriginOptions) *Origin {
	o := &Origin{options: options}
	o.policy = origin.New(origin.Rules{
		Allow:        origin.MustPatterns("middleware: OriginOptions.Allow", options.Allow),
		Self:         options.Allow == nil || options.SameOrigin,
		AllowMissing: options.AllowMissing,
	})
	if o.policy.RefusesAll() {
		logger := cmp.Or(options.Logger, slog.Default())
		logger.Warn("middleware: Origin with an empty list refuses every socket")
	}
	return o
}

// PatternError says why a pattern can't stand in a list of origins or hosts, and
// what was probably meant.
type PatternError = origin.PatternError

// ParsePattern checks a pattern of a list of origins or hosts. The error is a
// *PatternError.
func ParsePattern(text string) error {
	_, err := origin.ParsePattern(text)
	return err
}

// Wrap puts the check in front of next. Refused handshakes and requests get 403.
// What it lets in, the Gateway above lets in as well.
func (o *Origin) Wrap(next parley.App) parley.App {
	wiring.Need("middleware: Origin.Wrap", "app", next)
	return guarded(next, pageGuard{o}, o.act)
}

// pageGuard lets requests pass and acts on handshakes, since the Gateway is to hear of
// those that may come in.
type pageGuard struct{ *Origin }

// Check implements decider.
func (g pageGuard) Check(scope *parley.Scope) error {
	err := g.Origin.Check(scope)
	if err == nil && scope.Protocol == parley.WebSocket && scope.Request != nil {
		return errInvolved
	}
	return err
}

func (o *Origin) act(
	ctx context.Context, scope *parley.Scope, conn parley.Conn, next parley.App, why error,
) error {
	switch {
	case errors.Is(why, errInvolved):
		origin.Allow(ctx)
	case o.options.ReportOnly:
		tell(ctx, scope, o.options.Report, refusalOf(why))
	default:
		return Refuse(ctx, scope, conn, o.options.Report, refusalOf(why))
	}
	return next.Serve(ctx, scope, conn)
}

// Check decides on a handshake or request. The error is a *Refusal that names
// the reason: "missing", "multiple", "malformed", "not-allowed" or "cross-site".
// Protocols without a request pass.
func (o *Origin) Check(scope *parley.Scope) error {
	switch {
	case !protocol.Requested(scope):
		return nil
	case scope.Protocol == parley.WebSocket:
		return refused(o.policy.Handshake(scope.Request))
	case !o.options.CheckReads && reads(scope.Request.Method):
		return nil
	}
	return refused(o.policy.Request(scope.Request))
}

// CheckRequest is Check for a handshake that is not in a conversation yet: for
// CheckOrigin of a WebSocket library, or of nethttp.Options where an app below
// answers foreign pages too. Where only reports are wanted it reports and returns
// nil.
func (o *Origin) CheckRequest(r *http.Request) error {
	err := refused(o.policy.Handshake(r))
	if err == nil || !o.options.ReportOnly {
		return err
	}
	scope := &parley.Scope{Protocol: parley.WebSocket, Request: r}
	tell(r.Context(), scope, o.options.Report, refusalOf(err))
	return nil
}

func refused(by *origin.Refusal) error {
	if by == nil {
		return nil
	}
	return &Refusal{By: "origin", Reason: by.Reason, Status: http.StatusForbidden, Detail: by.Detail}
}

// reads reports whether a method changes nothing by its definition (RFC 9110,
// section 9.2.1). Browsers spell methods in upper case.
//
//parley:inline
func reads(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}
