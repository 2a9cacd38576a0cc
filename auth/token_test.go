package auth_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

// typed signs claims with headers of its own, given as name, value.
func typed(t *testing.T, claims jwt.MapClaims, headers ...string) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	for i := 0; i < len(headers); i += 2 {
		token.Header[headers[i]] = headers[i+1]
	}
	text, err := token.SignedString(jwtKey)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// rawToken signs claims that are given as they stand on the wire.
func rawToken(t *testing.T, claims string) string {
	t.Helper()
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`))
	text := head + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	signature, err := jwt.SigningMethodHS256.Sign(text, jwtKey)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// The rows of RFC 8725 that a token can break; others are rows of wiring.
func TestRFC8725Tokens(t *testing.T) {
	exp := time.Now().Add(time.Hour).Unix()
	claims := func(more ...any) jwt.MapClaims {
		c := jwt.MapClaims{"sub": "ann", "exp": exp}
		for i := 0; i < len(more); i += 2 {
			c[more[i].(string)] = more[i+1]
		}
		return c
	}
	tickets := newTickets(nil)
	ticket, _ := tickets.Issue("ann")
	good := typed(t, claims())
	var plain auth.BearerOptions
	audience, at := auth.BearerOptions{Audience: "shop"}, auth.BearerOptions{Type: "at+jwt"}
	issuer := auth.BearerOptions{Issuer: "https://id.example"}
	unsigned := signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims())
	hs384 := signed(t, jwt.SigningMethodHS384, jwtKey, claims())
	noUTF8 := rawToken(t, fmt.Sprintf("{\"sub\":\"an\xff\",\"exp\":%d}", exp))
	for _, test := range []struct {
		name    string
		options auth.BearerOptions
		token   string
		reason  string // "" for a good one
	}{
		{"good", plain, good, ""},
		{"3.1 none", plain, unsigned, "bad-signature"},
		{"3.1 another algorithm", plain, hs384, "bad-signature"},
		{"3.2 an unknown algorithm", plain, strings.Replace(good, good[:strings.IndexByte(good, '.')],
			base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"XS256"}`)), 1), "bad-signature"},
		{"3.3 no signature", plain, good[:strings.LastIndexByte(good, '.')+1], "bad-signature"},
		{"3.3 encrypted", plain, "a.b.c.d.e", "malformed"},
		{"3.4 not canonical", plain, loosened(good), "malformed"},
		{"3.4 extensions that must be understood", plain, typed(t, claims(), "crit", "b64"), "malformed"},
		{"3.7 no UTF-8", plain, noUTF8, "malformed"},
		{"3.8 no issuer", issuer, typed(t, claims()), "claims"},
		{"3.8 another issuer", issuer, typed(t, claims("iss", "https://evil.example")), "claims"},
		{"3.8 the issuer", issuer, typed(t, claims("iss", "https://id.example")), ""},
		{"3.9 no audience", audience, typed(t, claims()), "claims"},
		{"3.9 another audience", audience, typed(t, claims("aud", "forum")), "claims"},
		{"3.9 the audience", audience, typed(t, claims("aud", []string{"forum", "shop"})), ""},
		{"3.9 for somebody else", plain, typed(t, claims("aud", "forum")), "claims"},
		{"3.9 malformed", plain, typed(t, claims("aud", 7)), "claims"},
		{"3.11 no type", at, typed(t, claims()), "malformed"},
		{"3.11 another type", at, typed(t, claims(), "typ", "logout+jwt"), "malformed"},
		{"3.11 the type", at, typed(t, claims(), "typ", "at+jwt"), ""},
		{"3.11 the type in full", at, typed(t, claims(), "typ", "application/AT+JWT"), ""},
		{"3.12 a ticket for a token", plain, ticket, "claims"},
	} {
		t.Run(test.name, func(t *testing.T) {
			options := test.options
			options.Algorithms = []string{"HS256"}
			options.Key = func(*jwt.Token) (any, error) { return jwtKey, nil }
			identity, err := auth.NewBearer(options).Verify(t.Context(), test.token)
			var refusal *middleware.Refusal
			switch {
			case test.reason == "" && (err != nil || identity.ID != "ann"):
				t.Errorf("%v, %v", identity, err)
			case test.reason != "" && (!errors.As(err, &refusal) || refusal.Reason != test.reason):
				t.Errorf("%v, want %s", err, test.reason)
			}
		})
	}
	const kind = "parley-ticket+jwt"
	known := claims("jti", "1", "aud", "parley-ticket")
	for name, token := range map[string]string{
		"3.12 a token for a ticket":      typed(t, claims("jti", "1")),
		"3.12 of a ticket's audience":    typed(t, known),
		"3.12 with a ticket's type":      typed(t, claims("jti", "1"), "typ", kind),
		"3.12 without the ticket's id":   typed(t, claims("aud", "parley-ticket"), "typ", kind),
		"3.4 with unknown extensions":    typed(t, known, "typ", kind, "crit", "x"),
		"3.1 a ticket by another method": signed(t, jwt.SigningMethodHS512, jwtKey, known),
	} {
		denial := parleytest.Dial(t, authWith(tickets)(whoami), get("/?ticket="+token)).Denial()
		if denial.Status != 401 {
			t.Errorf("%s: status %d", name, denial.Status)
		}
	}
}

// loosened changes bits of the signature's last letter that mean nothing.
func loosened(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + string(alphabet[last|1])
}

// A key that is too weak lets nobody in, and the log says why.
func TestWeakKeys(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this Go makes no weak keys: ", err)
	}
	curve, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	several := jwt.VerificationKeySet{Keys: []jwt.VerificationKey{jwtKey, []byte("x")}}
	public, _, _ := ed25519.GenerateKey(rand.Reader)
	for _, test := range []struct {
		name      string
		algorithm string
		key       any
		words     string // in the error, "" if it is none of a key
	}{
		{"empty", "HS256", []byte{}, "has 0 bytes, must have 32"},
		{"nil bytes", "HS256", []byte(nil), "has 0 bytes"},
		{"nil", "HS256", nil, "is nil"},
		{"short", "HS256", jwtKey[:31], "has 31 bytes, must have 32"},
		{"short for the hash", "HS384", jwtKey, "has 32 bytes, must have 48"},
		{"short for the hash", "HS512", jwtKey, "has 32 bytes, must have 64"},
		{"never filled", "HS256", make([]byte, 32), "never filled"},
		{"one of several", "HS256", several, "has 1 bytes"},
		{"small", "RS256", &small.PublicKey, "has 1024 bits, must have 2048"},
		{"another curve", "ES384", &curve.PublicKey, "is on the curve P-256"},
		{"of another kind", "HS256", &small.PublicKey, "has 1024 bits"},
		{"bytes for a public key", "EdDSA", []byte(public), ""},
	} {
		t.Run(test.name+" "+test.algorithm, func(t *testing.T) {
			bearer := auth.NewBearer(auth.BearerOptions{
				Algorithms: []string{test.algorithm},
				Key:        func(*jwt.Token) (any, error) { return test.key, nil },
			})
			text := forged(t, test.algorithm, test.key)
			app := new(inner)
			got := parleytest.Do(t, authWith(bearer)(app), get("/", "Authorization", "Bearer "+text))
			if app.ran.Load() != 0 {
				t.Fatal("it came in")
			}
			var weak *auth.KeyError
			known := errors.As(got.Err, &weak) && strings.Contains(weak.Error(), test.words)
			switch {
			case test.words == "" && got.Status != 401:
				t.Errorf("status %d", got.Status)
			case test.words != "" && (got.Status != 500 || !known):
				t.Errorf("%d %v", got.Status, got.Err)
			}
		})
	}
}

// forged is a token that somebody has signed who knows what the server's weak key
// is.
func forged(t *testing.T, algorithm string, key any) string {
	t.Helper()
	secret, ok := key.([]byte)
	method := jwt.GetSigningMethod(algorithm)
	if _, hmac := method.(*jwt.SigningMethodHMAC); !ok || !hmac || secret == nil {
		secret = []byte{}
	}
	exp := time.Now().Add(time.Hour).Unix()
	token := jwt.NewWithClaims(method, jwt.MapClaims{"sub": "ann", "exp": exp})
	text, err := token.SigningString()
	if err != nil {
		t.Fatal(err)
	}
	signature, err := jwt.SigningMethodHS256.Sign(text, secret)
	if hmac, ok := method.(*jwt.SigningMethodHMAC); ok {
		signature, err = hmac.Sign(text, secret)
	}
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// Key's own trouble is told as what it says that it is.
func TestKeyTrouble(t *testing.T) {
	for want, trouble := range map[int]error{
		401: errors.New("no such key"),
		503: fmt.Errorf("fetching keys: %w", parley.ErrOverloaded),
	} {
		bearer := auth.NewBearer(auth.BearerOptions{
			Algorithms: []string{"HS256"}, Key: func(*jwt.Token) (any, error) { return nil, trouble },
		})
		r := as(t, "ann", time.Hour)
		if got := parleytest.Do(t, authWith(bearer)(new(inner)), r).Status; got != want {
			t.Errorf("%v: status %d, want %d", trouble, got, want)
		}
	}
}

// FuzzBearer lets nobody in whose token our key has not signed.
func FuzzBearer(f *testing.F) {
	good := tokenFor(f, "ann", time.Hour)
	f.Add(good)
	f.Add(strings.ToUpper(good))
	f.Add("a.b.c")
	f.Add(good + ".x")
	f.Fuzz(func(t *testing.T, token string) {
		identity, err := newBearer().Verify(t.Context(), token)
		if err == nil && (token != good || identity.ID != "ann") {
			t.Errorf("%q lets %v in", token, identity)
		}
		if err != nil {
			wantRefusal(t, err)
		}
	})
}
