package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
)

// Revocations carries the news that somebody's access has ended to where their
// sockets are. Subjects are names of at most 60 ASCII letters, digits, '-', '_'
// and '.'.
type Revocations interface {
	// Watch has revoked called when one of the subjects is revoked, and perhaps
	// again, on any goroutine; it does not block. It returns when it would
	// hear of it. stop ends the watch: revoked is not called any more when it
	// has returned. ctx bounds the call only.
	Watch(ctx context.Context, subjects []string, revoked func(cause error)) (stop func(), err error)

	// Revoke tells all who watch subject, in every process.
	Revoke(ctx context.Context, subject string) error
}

// UserSubject is the subject of all that a user has open. It does not show the
// id.
func UserSubject(id string) string { return "user." + digest(id) }

// sessionSubject is the subject of what was opened with one login.
func sessionSubject(login string) string { return "session." + digest(login) }

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// RevokeUser ends what a user has open, in every process: sockets with 4401,
// fallback sessions and answers that are under way likewise, except for the HTTP
// request that ctx is of. It ends no session and no token; those are checked again
// when the client comes back, so end them first.
func RevokeUser(ctx context.Context, revocations Revocations, id string) error {
	if v := visitorOf(ctx); v != nil && v.is(id) {
		v.exempt()
	}
	if err := revocations.Revoke(ctx, UserSubject(id)); err != nil {
		return unavailable("telling of a revocation", err)
	}
	return nil
}
