package middleware

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
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

	// ReportOnly lets everybody in and tells Report who would have been
	// refused: for trying out a list. It protects nothing.
	ReportOnly bool

	// Report is told of refusals. nil is silent.
	Report Reporter

	// Logger is warned, once, of a list that refuses everybody. nil is silent.
	Logger *slog.Logger
}

// Origin guards against pages of other sites that use their visitors' cookies
// here: cross-site WebSocket hijacking, and CSRF on HTTP. It is safe for
// concurrent use.
//
// On a handshake a missing Origin is refused. On HTTP, where older browsers
// leave it out, Sec-Fetch-Site decides then, and a request that has neither
// comes from no browser and is let in.
type Origin struct {
	patterns []pattern
	any      bool
	self     bool
	options  OriginOptions
}

// NewOrigin makes an Origin. It panics for a malformed pattern, with a
// suggestion; ParsePattern checks one beforehand.
func NewOrigin(options OriginOptions) *Origin {
	o := &Origin{patterns: mustPatterns("Origin", options.Allow), options: options}
	o.self = options.Allow == nil || options.SameOrigin
	for i := range o.patterns {
		o.any = o.any || o.patterns[i].any
	}
	if len(o.patterns) == 0 && !o.self && options.Logger != nil {
		options.Logger.Warn("middleware: Origin with an empty list refuses every socket")
	}
	return o
}

// Wrap puts the check in front of next. Refused handshakes and requests get 403.
func (o *Origin) Wrap(next parley.App) parley.App {
	return &guard{next: next, check: o.Check, report: o.options.Report, reportOnly: o.options.ReportOnly}
}

// Check decides on a handshake or request. The error is a *Refusal that names
// the reason: "missing", "multiple", "malformed", "not-allowed" or "cross-site".
// Protocols without a request pass.
func (o *Origin) Check(scope *parley.Scope) error {
	switch {
	case !protocol.Requested(scope):
		return nil
	case scope.Protocol == parley.WebSocket:
		return o.check(scope.Request, true)
	case !o.options.CheckReads && reads(scope.Request.Method):
		return nil
	}
	return o.check(scope.Request, false)
}

// CheckRequest is Check for a handshake that is not in a conversation yet. Hand
// it to nethttp.CheckOrigin, and the gateway's own check asks this Origin:
//
//	nethttp.Handler(app, nethttp.CheckOrigin(origin.CheckRequest))
//
// Where only reports are wanted it reports and returns nil.
func (o *Origin) CheckRequest(r *http.Request) error {
	err := o.check(r, true)
	if err == nil || !o.options.ReportOnly {
		return err
	}
	tell(r.Context(), &parley.Scope{Protocol: parley.WebSocket, Request: r}, o.options.Report, refusalOf(err))
	return nil
}

func (o *Origin) check(r *http.Request, socket bool) error {
	values := r.Header["Origin"]
	switch {
	case o.any:
		return nil
	case len(values) == 0 && !socket:
		return checkFetchSite(r)
	case len(values) == 0 && o.options.AllowMissing:
		return nil
	case len(values) == 0:
		return badOrigin("missing", "no Origin header")
	case len(values) > 1:
		return badOrigin("multiple", fmt.Sprintf("%d Origin headers", len(values)))
	}
	origin, ok := parseOrigin(values[0])
	if !ok {
		return badOrigin("malformed", fmt.Sprintf("Origin %.100q is not a serialised origin", values[0]))
	}
	if o.self && sameOrigin(origin, r) {
		return nil
	}
	for i := range o.patterns {
		if o.patterns[i].matches(origin) {
			return nil
		}
	}
	return badOrigin("not-allowed", fmt.Sprintf("Origin %.100q is not allowed", values[0]))
}

func badOrigin(reason, detail string) error {
	return &Refusal{By: "origin", Reason: reason, Status: http.StatusForbidden, Detail: detail}
}

// checkFetchSite decides on a request of HTTP without an Origin.
func checkFetchSite(r *http.Request) error {
	values := r.Header["Sec-Fetch-Site"]
	if len(values) == 0 || len(values) == 1 && (values[0] == "same-origin" || values[0] == "none" || values[0] == "") {
		return nil
	}
	return badOrigin("cross-site", fmt.Sprintf("no Origin, and Sec-Fetch-Site is %.40q", values))
}

// sameOrigin compares with the request's own host and port, a missing port being
// the one of the origin's scheme, since a proxy may have taken TLS off. Where TLS
// is known for certain, a page without it is not the same.
func sameOrigin(o origin, r *http.Request) bool {
	host, port, ok := splitHost(r.Host)
	if !ok || !web(o.scheme) {
		return false
	}
	if port == noPort {
		port = defaultPort(o.scheme)
	}
	if secure(r) && defaultPort(o.scheme) != 443 {
		return false
	}
	return o.port == port && strings.EqualFold(o.host, host)
}

// secure tells whether the client is known to use TLS, by this server or by a
// proxy that is trusted (see TrustedProxies).
func secure(r *http.Request) bool {
	return r.TLS != nil || r.URL != nil && (r.URL.Scheme == "https" || r.URL.Scheme == "wss")
}

// reads tells whether a method changes nothing by its definition (RFC 9110,
// section 9.2.1). Browsers spell methods in upper case.
func reads(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}
