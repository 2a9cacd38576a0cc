package auth

import (
	"log/slog"

	"github.com/alexedwards/scs/v2"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/middleware"
)

// StackOptions configure Stack. What is left out is left out of the stack, except
// for Recover, RequestID and Origin, which are always in it.
type StackOptions struct {
	// Proxies are trusted to speak for their clients. Without them nobody is.
	Proxies *middleware.TrustedProxies

	// RequestID configures RequestID.
	RequestID middleware.RequestIDOptions

	// AccessLog, if set, has every conversation recorded. It wraps the conn;
	// AccessLogHandler does not.
	AccessLog *middleware.AccessLogOptions

	// Logger gets panics and refusals. Default slog.Default().
	Logger *slog.Logger

	// Hosts are the values of Host that are served. Without them all are.
	Hosts []string

	// Origin configures Origin. Its zero value is the same host. Where it has
	// no Report, refusals go to Logger.
	Origin middleware.OriginOptions

	// RateLimit and BodyLimit, if set, bound what a client may do.
	RateLimit *middleware.RateLimit
	BodyLimit *middleware.BodyLimit

	// Sessions, if set, are loaded and saved by LoadAndSave, which wraps the conn.
	Sessions *scs.SessionManager

	// Auth configures Middleware, if it has Authenticators. Where it has no Report,
	// bad credentials go to Logger.
	Auth Options
}

// Stack is the usual middleware in the usual order, outermost first. Beside it
// what Django Channels stacks up as
//
//	AllowedHostsOriginValidator(AuthMiddlewareStack(inner))
//	AuthMiddlewareStack = CookieMiddleware(SessionMiddleware(AuthMiddleware(inner)))
//
//	here            Channels                     and why here
//	TrustedProxies  uvicorn --proxy-headers      all below see the client's address
//	RequestID       -                            all below can log it
//	AccessLog       the server's access log      sees how everything below ends
//	Recover         the server's                 a panic below is logged with the id
//	Hosts           AllowedHostsOriginValidator  before anything is believed
//	Origin          AllowedHostsOriginValidator  no foreign page gets as far as the session
//	RateLimit       -                            before anything costs
//	BodyLimit       DATA_UPLOAD_MAX_MEMORY_SIZE  before anything is read
//	-               CookieMiddleware             http.Request has cookies
//	LoadAndSave     SessionMiddleware            cookie in, cookie out, on accept too
//	Middleware      AuthMiddleware               lazy on HTTP, alive on sockets
//
// Require belongs around the routes that need it, since a login page does not.
// fallback.New belongs below the stack, so that its sessions belong to somebody; put
// a RateLimit of messages, or a MessageLimit, below fallback.New.
func Stack(options StackOptions) parley.Middleware {
	logger := options.Logger
	if logger == nil {
		logger = slog.Default()
	}
	if options.Origin.Logger == nil {
		options.Origin.Logger = logger
	}
	if options.Origin.Report == nil {
		options.Origin.Report = middleware.LogTo(logger)
	}
	if options.Auth.Report == nil {
		options.Auth.Report = middleware.LogTo(logger)
	}
	var list []parley.Middleware
	if options.Proxies != nil {
		list = append(list, options.Proxies.Wrap)
	}
	list = append(list, middleware.RequestID(options.RequestID))
	if options.AccessLog != nil {
		list = append(list, middleware.AccessLog(*options.AccessLog))
	}
	list = append(list, middleware.Recover(middleware.RecoverOptions{Logger: logger}))
	if options.Hosts != nil {
		hosts := middleware.HostsOptions{Allow: options.Hosts, Report: middleware.LogTo(logger)}
		list = append(list, middleware.NewHosts(hosts).Wrap)
	}
	list = append(list, middleware.NewOrigin(options.Origin).Wrap)
	list = append(list, options.inner()...)
	return func(next parley.App) parley.App { return parley.Chain(next, list...) }
}

// inner is the part of the stack that costs something.
func (o *StackOptions) inner() (list []parley.Middleware) {
	if o.RateLimit != nil {
		list = append(list, o.RateLimit.Wrap)
	}
	if o.BodyLimit != nil {
		list = append(list, o.BodyLimit.Wrap)
	}
	if o.Sessions != nil {
		list = append(list, LoadAndSave(o.Sessions))
	}
	if len(o.Auth.Authenticators) > 0 {
		list = append(list, Middleware(o.Auth))
	}
	return list
}
