package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/middleware"
)

// BearerOptions configure a Bearer.
type BearerOptions struct {
	// Algorithms are those that tokens may be signed with, such as "EdDSA" or
	// "RS256". There is no default. "none" is refused, and so is a mix of
	// HMAC ("HS...") with others, with which a public key could be used as an
	// HMAC's secret.
	Algorithms []string

	// Key returns the key that verifies a token; see jwt.Keyfunc. It is
	// called before anything in the token is trusted.
	Key jwt.Keyfunc

	// Issuer and Audience, if set, are what the token must name.
	Issuer   string
	Audience string

	// Leeway is how far clocks may be apart. Default none.
	Leeway time.Duration

	// Identify makes an identity of a token that was verified; nil, nil is
	// nobody that we know (401). Expires is the token's where it sets none.
	// Default: ID is the claim "sub", and User is the jwt.MapClaims.
	Identify func(ctx context.Context, claims jwt.MapClaims) (*Identity, error)

	// MaxBytes bounds a token. Default 8 KiB.
	MaxBytes int
}

// Bearer authenticates with the header "Authorization: Bearer <JWT>". Tokens must
// expire. It is safe for concurrent use.
type Bearer struct {
	options BearerOptions
	parser  *jwt.Parser
}

// NewBearer makes a Bearer. It panics without a key or algorithms, and for
// algorithms that are unsafe.
func NewBearer(options BearerOptions) *Bearer {
	if options.Key == nil {
		panic("auth: Bearer without a Key")
	}
	if problem := unsafeAlgorithms(options.Algorithms); problem != "" {
		panic("auth: Bearer " + problem)
	}
	if options.MaxBytes == 0 {
		options.MaxBytes = 8 << 10
	}
	if options.Identify == nil {
		options.Identify = identifySubject
	}
	rules := []jwt.ParserOption{
		jwt.WithValidMethods(options.Algorithms), jwt.WithExpirationRequired(), jwt.WithLeeway(options.Leeway),
	}
	if options.Issuer != "" {
		rules = append(rules, jwt.WithIssuer(options.Issuer))
	}
	if options.Audience != "" {
		rules = append(rules, jwt.WithAudience(options.Audience))
	}
	return &Bearer{options, jwt.NewParser(rules...)}
}

func unsafeAlgorithms(algorithms []string) string {
	hmac := 0
	for _, name := range algorithms {
		method := jwt.GetSigningMethod(name)
		if method == nil || strings.EqualFold(name, "none") {
			return fmt.Sprintf("with the algorithm %q, which verifies nothing", name)
		}
		if _, ok := method.(*jwt.SigningMethodHMAC); ok {
			hmac++
		}
	}
	switch {
	case len(algorithms) == 0:
		return "without Algorithms: name those that your tokens are signed with"
	case hmac > 0 && hmac < len(algorithms):
		return "with HMAC and public keys at once: use one Bearer for each"
	}
	return ""
}

func identifySubject(_ context.Context, claims jwt.MapClaims) (*Identity, error) {
	subject, err := claims.GetSubject()
	if err != nil || subject == "" {
		return nil, nil
	}
	return &Identity{ID: subject, User: claims}, nil
}

func (*Bearer) challenge() string { return "Bearer" }

// Authenticate implements Authenticator.
func (b *Bearer) Authenticate(ctx context.Context, scope *parley.Scope) (*Identity, error) {
	values := scope.Request.Header["Authorization"]
	if len(values) == 0 {
		return nil, nil
	}
	if len(values) > 1 {
		return nil, &middleware.Refusal{By: "bearer", Reason: "multiple", Status: http.StatusBadRequest}
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, nil
	}
	return b.Verify(ctx, strings.TrimLeft(token, " "))
}

// Renew implements Renewer.
func (b *Bearer) Renew(ctx context.Context, token string) (*Identity, error) {
	return b.Verify(ctx, token)
}

// Verify returns the identity of a token. The error is a *middleware.Refusal with the reason
// "malformed", "too-large", "bad-signature", "expired", "not-yet-valid", "claims"
// or "unknown-user", or that of Key's or Identify's own trouble.
func (b *Bearer) Verify(ctx context.Context, token string) (*Identity, error) {
	if len(token) > b.options.MaxBytes {
		return nil, b.refuse("too-large")
	}
	claims := jwt.MapClaims{}
	if _, err := b.parser.ParseWithClaims(token, claims, b.options.Key); err != nil {
		return nil, b.refuse(tokenProblem(err))
	}
	identity, err := b.options.Identify(ctx, claims)
	if err == nil && identity == nil {
		return nil, b.refuse("unknown-user")
	}
	expires, _ := claims.GetExpirationTime() // it has one: the parser wants it
	return adopted(identity, err, "bearer", expires.Add(b.options.Leeway))
}

func (b *Bearer) refuse(reason string) error {
	refusal := badCredentials("bearer", reason)
	refusal.Challenge = `Bearer error="invalid_token"`
	return refusal
}

// tokenProblem names what is wrong. The library's own words may quote the token.
func tokenProblem(err error) string {
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed):
		return "malformed"
	case errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		return "bad-signature"
	case errors.Is(err, jwt.ErrTokenExpired):
		return "expired"
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return "not-yet-valid"
	}
	return "claims"
}
