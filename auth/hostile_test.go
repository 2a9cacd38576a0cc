package auth_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/parleytest"
)

// TestTokensOfStrangeTimes: whoever issues tokens may write a time as they like. One that
// lets in ends in the future, however far, and what cannot be read as a time is refused.
func TestTokensOfStrangeTimes(t *testing.T) {
	soon := time.Now().Add(time.Hour).Unix()
	for exp, lives := range map[string]bool{
		fmt.Sprint(soon):                         true,
		fmt.Sprint(float64(soon) + 0.5):          true,
		fmt.Sprintf("%de0", soon):                true,
		fmt.Sprintf("%d,\"exp\":1", soon):        false, // the last one counts
		fmt.Sprintf("1,\"exp\":%d", soon):        true,
		fmt.Sprintf("%d,\"EXP\":1", soon):        true, // another name
		fmt.Sprintf("%d,\"nbf\":%d", soon, soon): false,
		fmt.Sprintf("%d,\"nbf\":\"1\"", soon):    false,
		fmt.Sprintf("%d,\"nbf\":1e300", soon):    false,
		fmt.Sprintf("\"%d\"", soon):              false,
		"0":                                      false, "-1": false, "-1e300": false, "1e400": false, "NaN": false, "": false,
		"null": false, "true": false, "[]": false, "{}": false, "\"never\"": false,
	} {
		refusedUnless(t, lives, exp)
	}
	// Times that no clock will show are either.
	for _, exp := range []float64{1e12, 1e15, 9.2e18, 9.3e18, 1e19, 1e300, math.MaxFloat64} {
		token := rawToken(t, fmt.Sprintf(`{"sub":"ann","exp":%g}`, exp))
		identity, err := newBearer().Verify(t.Context(), token)
		if err == nil && !identity.Expires.After(time.Now()) {
			t.Errorf("%g lets in until %v", exp, identity.Expires)
		}
	}
}

func refusedUnless(t *testing.T, lives bool, exp string) {
	t.Helper()
	token := rawToken(t, `{"sub":"ann","exp":`+exp+`}`)
	identity, err := newBearer().Verify(t.Context(), token)
	switch {
	case (err == nil) != lives:
		t.Errorf("exp %s: %+v, %v", exp, identity, err)
	case err != nil:
		wantRefusal(t, err)
	case time.Until(identity.Expires) < 50*time.Minute:
		t.Errorf("exp %s ends at %v", exp, identity.Expires)
	}
}

// TestTokensOfStrangeSubjects: nobody is somebody by what JSON makes of another value.
func TestTokensOfStrangeSubjects(t *testing.T) {
	key := func(*jwt.Token) (any, error) { return jwtKey, nil }
	bearer := auth.NewBearer(auth.BearerOptions{Algorithms: []string{"HS256"}, Key: key})
	for subject, want := range map[string]string{
		`"ann"`: "ann", `"bob","sub":"ann"`: "ann", `"ann","SUB":"bob"`: "ann", `"\u0061nn"`: "ann",
		`7`: "", `7.0`: "", `true`: "", `null`: "", `""`: "", `["ann"]`: "", `{"id":"ann"}`: "",
		`"ann","sub":null`: "",
	} {
		soon := time.Now().Add(time.Hour).Unix()
		token := rawToken(t, fmt.Sprintf(`{"exp":%d,"sub":%s}`, soon, subject))
		got := ""
		identity, err := bearer.Verify(t.Context(), token)
		if err == nil {
			got = identity.ID
		}
		if got != want {
			t.Errorf("%s is %q, want %q (%v)", subject, got, want, err)
		}
	}
}

// slowRenewer takes fresh credentials while f happens.
type slowRenewer struct {
	auth.Authenticator
	f func(ctx context.Context)
}

func (s slowRenewer) Renew(ctx context.Context, id string) (*auth.Identity, error) {
	s.f(ctx)
	return &auth.Identity{ID: id, Expires: time.Now().Add(time.Hour)}, nil
}

var noCredentials = auth.AuthenticatorFunc(func(context.Context, *parley.Scope) (*auth.Identity, error) {
	return nil, nil
})

// TestRenewalBesideLogout: credentials that were good when they were shown do not bring back
// who has logged out meanwhile, nor take the place of somebody else.
func TestRenewalBesideLogout(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(s *site, ctx context.Context) error
		user      string
	}{
		"nothing": {func(*site, context.Context) error { return nil }, "ann"},
		"logout":  {func(s *site, ctx context.Context) error { return s.sessions.Logout(ctx) }, ""},
		"another login": {func(s *site, ctx context.Context) error {
			return s.sessions.Login(ctx, &auth.Identity{ID: "bob", Stamp: "1"})
		}, "bob"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite()
			cookie := s.login(t, "", "ann")
			slow := slowRenewer{noCredentials, func(ctx context.Context) {
				if err := test.meanwhile(s, ctx); err != nil {
					t.Error(err)
				}
			}}
			s.options.Authenticators = []auth.Authenticator{s.sessions, slow}
			app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
				var want error
				if name != "nothing" {
					want = auth.ErrAnonymous
				}
				if err := auth.Renew(ctx, "ann"); !errors.Is(err, want) {
					t.Errorf("renewed: %v", err)
				}
				if identity, _ := auth.IdentityFrom(ctx); identity.ID != test.user {
					t.Errorf("it is %q, want %q", identity.ID, test.user)
				}
				return parley.Respond(ctx, conn, 200, nil, nil)
			})
			if got := parleytest.Do(t, s.app(app), get("/", "Cookie", cookie)); got.Status != 200 {
				t.Errorf("status %d", got.Status)
			}
		})
	}
}
