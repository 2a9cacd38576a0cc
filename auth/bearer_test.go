package auth_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

func TestBearer(t *testing.T) {
	now := time.Now()
	good := jwt.MapClaims{"sub": "ann", "exp": now.Add(time.Hour).Unix()}
	early := jwt.MapClaims{
		"sub": "ann", "exp": now.Add(2 * time.Hour).Unix(), "nbf": now.Add(time.Hour).Unix(),
	}
	by := func(method jwt.SigningMethod, key any, claims jwt.MapClaims) []string {
		return []string{"Bearer " + signed(t, method, key, claims)}
	}
	hs256, unsigned := jwt.SigningMethodHS256, jwt.UnsafeAllowNoneSignatureType
	for _, test := range []struct {
		name   string
		header []string
		status int
		reason string
	}{
		{"none", nil, 200, ""},
		{"good", by(hs256, jwtKey, good), 200, ""},
		{"other scheme", []string{"Basic YTpi"}, 200, ""},
		{"two", []string{"Bearer a", "Bearer b"}, 400, "multiple"},
		{"empty", []string{"Bearer"}, 401, "malformed"},
		{"no token", []string{"Bearer a"}, 401, "malformed"},
		{"non-ASCII", []string{"Bearer ä.ö.ü"}, 401, "malformed"},
		{"huge", []string{"Bearer " + strings.Repeat("a", 10<<20)}, 401, "too-large"},
		{"alg none", by(jwt.SigningMethodNone, unsigned, good), 401, "bad-signature"},
		{"other algorithm", by(jwt.SigningMethodHS512, jwtKey, good), 401, "bad-signature"},
		{"wrong key", by(hs256, []byte("wrong"), good), 401, "bad-signature"},
		{"expired", []string{"Bearer " + tokenFor(t, "ann", -time.Hour)}, 401, "expired"},
		{"not yet valid", by(hs256, jwtKey, early), 401, "not-yet-valid"},
		{"never expires", by(hs256, jwtKey, jwt.MapClaims{"sub": "ann"}), 401, "claims"},
		{"unknown user", []string{"Bearer " + tokenFor(t, "nobody", time.Hour)}, 401, "unknown-user"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var reasons []string
			logger, log := recorder()
			who := auth.Middleware(auth.Options{
				Authenticators: []auth.Authenticator{newBearer()},
				Report: func(ctx context.Context, scope *parley.Scope, refusal *middleware.Refusal) {
					reasons = append(reasons, refusal.Reason)
					middleware.LogTo(logger)(ctx, scope, refusal)
				},
			})
			r := get("/")
			r.Header["Authorization"] = test.header
			if test.status != 200 {
				refusedBoth(t, who, test.status, r)
				if len(reasons) != 2 || reasons[0] != test.reason || reasons[1] != test.reason {
					t.Errorf("reasons %q, want %q", reasons, test.reason)
				}
				for _, header := range test.header {
					secret := strings.TrimPrefix(header, "Bearer")
					if len(secret) > 4 && strings.Contains(log.String(), secret[:5]) {
						t.Errorf("the log has the token: %.200s", log)
					}
				}
				return
			}
			if got := parleytest.Do(t, who(new(inner)), r).Status; got != 200 {
				t.Errorf("status %d", got)
			}
		})
	}
}

func TestBearerChallenge(t *testing.T) {
	got := parleytest.Do(t, authWith(newBearer())(new(inner)), get("/", "Authorization", "Bearer x"))
	if challenge := got.Header.Get("WWW-Authenticate"); challenge != `Bearer error="invalid_token"` {
		t.Errorf("challenge %q", challenge)
	}
	app := parley.Chain(new(inner), authWith(newBearer()), auth.Require(auth.RequireOptions{}))
	challenge := parleytest.Do(t, app, get("/")).Header.Get("WWW-Authenticate")
	if challenge != "Bearer" {
		t.Errorf("challenge %q", challenge)
	}
}

func TestOthersPass(t *testing.T) {
	passesOthers(t, authWith(newBearer()))
	passesOthers(t, auth.Require(auth.RequireOptions{}))
}
