package auth

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/options"
	"github.com/parleygo/parley/internal/protocol"
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
	// called before anything in the token is trusted: a "kid" may choose among
	// keys that you know, and nothing may be fetched from where a token says. A
	// key that is too weak for its algorithm fails every request with an error
	// in the log; see KeyError. Key's own error is a token that cannot be
	// verified (401), unless it is of a kind that says otherwise, as
	// parley.ErrOverloaded is (503).
	Key jwt.Keyfunc

	// Issuer and Audience, if set, are what the token must name. A token that
	// is for an audience is refused if Audience is not set.
	Issuer   string
	Audience string

	// Type, if set, is what the token's header "typ" must say, such as
	// "at+jwt", so that a token of another kind by the same issuer is refused.
	Type string

	// Leeway is how far clocks may be apart. Default none.
	Leeway time.Duration

	// Identify makes an identity of a token that was verified; nil, nil is
	// nobody that we know (401). Expires is the token's where it sets none.
	// Default: ID is the claim "sub", and User is the jwt.MapClaims.
	Identify func(ctx context.Context, claims jwt.MapClaims) (*Identity, error)

	// MaxBytes bounds a token. Default 8 KiB; negative is no limit.
	MaxBytes int
}

// Bearer authenticates with the header "Authorization: Bearer <JWT>". Tokens must
// expire. It is safe for concurrent use.
type Bearer struct {
	options BearerOptions
	parser  *jwt.Parser
}

// NewBearer makes a Bearer. It panics without a key or algorithms, for algorithms
// that are unsafe, and for a negative Leeway.
func NewBearer(o BearerOptions) *Bearer {
	if o.Key == nil {
		panic("auth: BearerOptions.Key: is nil")
	}
	if problem := unsafeAlgorithms(o.Algorithms); problem != "" {
		panic("auth: BearerOptions.Algorithms: " + problem)
	}
	o.Leeway = options.Positive("auth: BearerOptions.Leeway", o.Leeway, 0)
	o.MaxBytes = options.Limit(o.MaxBytes, 8<<10)
	if o.Identify == nil {
		o.Identify = identifySubject
	}
	rules := []jwt.ParserOption{
		jwt.WithValidMethods(o.Algorithms), jwt.WithExpirationRequired(),
		jwt.WithLeeway(o.Leeway), jwt.WithStrictDecoding(),
	}
	if o.Issuer != "" {
		rules = append(rules, jwt.WithIssuer(o.Issuer))
	}
	if o.Audience != "" {
		rules = append(rules, jwt.WithAudience(o.Audience))
	}
	return &Bearer{o, jwt.NewParser(rules...)}
}

func unsafeAlgorithms(algorithms []string) string {
	hmac := 0
	for _, name := range algorithms {
		method := jwt.GetSigningMethod(name)
		if method == nil || strings.EqualFold(name, "none") {
			return fmt.Sprintf("%q verifies nothing", name)
		}
		if _, ok := method.(*jwt.SigningMethodHMAC); ok {
			hmac++
		}
	}
	switch {
	case len(algorithms) == 0:
		return "name those that your tokens are signed with"
	case hmac > 0 && hmac < len(algorithms):
		return "HMAC and public keys at once: use one Bearer for each"
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

// Verify returns the identity of a token. The error is a *middleware.Refusal with
// the reason "malformed", "too-large", "bad-signature", "expired",
// "not-yet-valid", "claims" or "unknown-user"; a *KeyError; or that of Key's or
// Identify's own trouble.
func (b *Bearer) Verify(ctx context.Context, token string) (*Identity, error) {
	if len(token) > b.options.MaxBytes {
		return nil, b.refuse("too-large")
	}
	claims := jwt.MapClaims{}
	parsed, err := b.parser.ParseWithClaims(token, claims, b.key)
	if err == nil {
		err = b.checkForm(parsed, claims)
	}
	if err != nil {
		return nil, b.problem(err)
	}
	identity, err := b.options.Identify(ctx, claims)
	if err == nil && identity == nil {
		return nil, b.refuse("unknown-user")
	}
	expires, _ := claims.GetExpirationTime() // it has one: the parser wants it
	return adopted(identity, err, "bearer", expires.Add(b.options.Leeway))
}

// key asks for the key, once the token's form and type are what is expected, and
// takes none that is too weak.
func (b *Bearer) key(token *jwt.Token) (any, error) {
	if err := checkHeader(token, b.options.Type); err != nil {
		return nil, err
	}
	key, err := b.options.Key(token)
	if err != nil {
		return nil, err
	}
	return key, checkKeys(token.Method, key)
}

// checkForm checks what the library doesn't: a token that is for somebody else, times
// that it takes for others since they are none, and text that its decoder has made of
// what is no UTF-8.
func (b *Bearer) checkForm(token *jwt.Token, claims jwt.MapClaims) error {
	if _, ok := claims["aud"]; ok && b.options.Audience == "" {
		return jwt.ErrTokenInvalidAudience
	}
	for _, name := range []string{"exp", "nbf"} {
		if at, ok := claims[name].(float64); ok && math.Abs(at) > maxTime {
			return errForm
		}
	}
	return checkUTF8(token)
}

// maxTime is more than any time of a token, and fits into a time.Time, in seconds.
const maxTime = 1e18

func (b *Bearer) refuse(reason string) error {
	refusal := badCredentials("bearer", reason)
	refusal.Challenge = `Bearer error="invalid_token"`
	return refusal
}

// problem makes a refusal of what is wrong with a token, and passes on what is
// wrong with us.
func (b *Bearer) problem(err error) error {
	var weak *KeyError
	if errors.As(err, &weak) {
		return weak
	}
	ownTrouble := protocol.Status(err) != http.StatusInternalServerError
	if errors.Is(err, jwt.ErrTokenUnverifiable) && ownTrouble {
		return err
	}
	return b.refuse(tokenProblem(err))
}

// tokenProblem names what is wrong. The library's own words may quote the token.
func tokenProblem(err error) string {
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed), errors.Is(err, errForm):
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
