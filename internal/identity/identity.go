// Package identity is the seam between who finds out about users and transports
// that outlive their requests. A conversation that is carried by several requests,
// as a fallback session is, belongs to whoever opened it: the transport has to ask
// with each request who is there, and to hear when the opener ceases to be.
package identity

import "context"

// Claimant knows the user of one request. Its methods may be called from any
// goroutine.
type Claimant interface {
	// Subject names the user of this request for ever, as it is logged and
	// revoked, or is "" where nobody has shown who they are. Credentials that are
	// no good are an error that answers the request, as authentication itself
	// would answer it.
	Subject(ctx context.Context) (string, error)

	// Watch has end called, at most once, when the identity that this request
	// has shown ceases to hold: by logout, expiry or revocation, with
	// parley.ErrAuthExpired or an error that wraps it. What ceased between the
	// look at the credentials and this call counts: Watch looks again and then
	// returns an error, or calls end. It goes on after the request. release ends
	// the watch; end may run still when it returns. ctx bounds the call alone,
	// and its values are those of the request.
	Watch(ctx context.Context, end func(cause error)) (release func(), err error)
}

type key struct{}

// With returns a context that carries claimant. The innermost one counts.
func With(ctx context.Context, claimant Claimant) context.Context {
	return context.WithValue(ctx, key{}, claimant)
}

// From returns the claimant of ctx, or nil where nothing above finds out about
// users.
func From(ctx context.Context) Claimant {
	claimant, _ := ctx.Value(key{}).(Claimant)
	return claimant
}
