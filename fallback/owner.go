package fallback

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"net/http"
	"strconv"
	"strings"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/identity"
)

// owner is whom a session belongs to: the user who has opened it, or, where nobody
// is logged in, whoever knows a secret. The session's id alone is worth nothing: it
// stands in URLs, and those in logs.
type owner struct {
	subject string   // of the user
	secret  [32]byte // its hash, where there is no user
}

// is reports whether a request is the owner's.
func (o *owner) is(subject string, secrets []string) bool {
	if o.subject != "" {
		return subtle.ConstantTimeCompare([]byte(o.subject), []byte(subject)) == 1
	}
	for _, secret := range secrets {
		hash := sha256.Sum256([]byte(secret))
		if subtle.ConstantTimeCompare(o.secret[:], hash[:]) == 1 {
			return true
		}
	}
	return false
}

// subjectOf returns who sends a request, or "" where nobody knows.
func subjectOf(ctx context.Context) (string, error) {
	claimant := identity.From(ctx)
	if claimant == nil {
		return "", nil
	}
	return claimant.Subject(ctx)
}

// own makes the client that has sent a request the owner. header is what the
// client has to be told: a secret, in a cookie that no script can read, or in a
// header for a client that keeps it by itself. A browser has one secret for all of
// its sessions here, so that one page does not shut out the other.
func (a *App) own(scope *parley.Scope, ask *asked, subject string) (o owner, header http.Header) {
	if subject != "" {
		return owner{subject: subject}, nil
	}
	for _, secret := range ask.secrets {
		if !ask.keeper && len(secret) >= secretLength && len(secret) <= 4*secretLength {
			return owner{secret: sha256.Sum256([]byte(secret))}, nil
		}
	}
	secret := rand.Text()
	if ask.keeper {
		header = http.Header{secretHeader: {secret}}
	} else {
		header = http.Header{"Set-Cookie": {a.cookie(scope, secret).String()}}
	}
	return owner{secret: sha256.Sum256([]byte(secret))}, header
}

// secretLength is that of rand.Text: 130 bits.
const secretLength = 26

func (a *App) cookie(scope *parley.Scope, secret string) *http.Cookie {
	path := a.options.CookiePath
	if path == "" {
		path = scope.Request.URL.EscapedPath()
	}
	secure, atRoot := prefixOf(a.options.CookieName)
	if strings.ContainsAny(path, ";\\") || !strings.HasPrefix(path, "/") || atRoot {
		path = "/" // what a cookie can't hold
	}
	return &http.Cookie{
		Name: a.options.CookieName, Value: secret, Path: path,
		HttpOnly: true, Secure: secure || scope.Scheme() == "https", SameSite: http.SameSiteLaxMode,
	}
}

// prefixOf tells what browsers want of a cookie for the beginning of its name, which they
// drop otherwise (draft-ietf-httpbis-rfc6265bis, section 4.1.3).
func prefixOf(name string) (secure, atRoot bool) {
	name = strings.ToLower(name)
	atRoot = strings.HasPrefix(name, "__host-")
	return atRoot || strings.HasPrefix(name, "__secure-"), atRoot
}

// clientOf is by what sessions are counted: the user, or the address. Of IPv6 it is
// the /64 network, which is what one customer has.
func clientOf(scope *parley.Scope, subject string) string {
	if subject != "" {
		return "user " + subject
	}
	addr, ok := scope.Client()
	if !ok {
		return "address unknown"
	}
	if ip := addr.Addr().Unmap(); ip.Is4() {
		return "address " + ip.String()
	}
	bytes := addr.Addr().As16()
	return "network " + strconv.FormatUint(binary.BigEndian.Uint64(bytes[:]), 16)
}
