package auth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
)

// mistake is one in the wiring: it panics at start-up, so that nothing fails open, with
// words that say what is wrong.
type mistake struct {
	name  string
	make  func()
	words string
}

func TestMistakes(t *testing.T) {
	for _, test := range append(mistakesInOptions(), withoutApp()...) {
		t.Run(test.name, func(t *testing.T) {
			defer func() {
				got := fmt.Sprint(recover())
				if !strings.HasPrefix(got, "auth: ") || !strings.Contains(got, test.words) {
					t.Errorf("panicked with %q, want %q", got, test.words)
				}
			}()
			test.make()
		})
	}
}

func mistakesInOptions() []mistake {
	key := func(*jwt.Token) (any, error) { return jwtKey, nil }
	bearer := func(change func(*auth.BearerOptions)) func() {
		options := auth.BearerOptions{Key: key, Algorithms: []string{"HS256"}}
		change(&options)
		return func() { auth.NewBearer(options) }
	}
	algorithms := func(names ...string) func() {
		return bearer(func(o *auth.BearerOptions) { o.Algorithms = names })
	}
	tickets := func(options auth.TicketOptions) func() { return func() { auth.NewTickets(options) } }
	return []mistake{
		{
			"no authenticator",
			func() { auth.Middleware(auth.Options{}) },
			"without an Authenticator",
		},
		{"nil authenticator", func() { authWith(nil) }, "with a nil Authenticator"},
		{
			"no key",
			bearer(func(o *auth.BearerOptions) { o.Key = nil }),
			"BearerOptions.Key: is nil",
		},
		{"no algorithm", algorithms(), "name those that"},
		{"no signature", algorithms("none"), `"none"`},
		{"misspelt algorithm", algorithms("HS255"), `"HS255"`},
		{"algorithms that are confused", algorithms("HS256", "RS256"), "HMAC and public keys"},
		{"negative leeway", bearer(func(o *auth.BearerOptions) { o.Leeway = -time.Second }),
			"BearerOptions.Leeway: -1s is negative"},
		{"short key", tickets(auth.TicketOptions{Key: []byte("short")}),
			"TicketOptions.Key: has 5 bytes, must have 32"},
		{"empty key", tickets(auth.TicketOptions{Key: make([]byte, 32)}),
			"TicketOptions.Key: is one byte over and over"},
		{"short life", tickets(auth.TicketOptions{Key: jwtKey, TTL: 1}), "less than a second"},
		{"negative life", tickets(auth.TicketOptions{Key: jwtKey, TTL: -time.Second}),
			"TicketOptions.TTL: -1s is negative"},
		{
			"no sessions",
			func() { auth.NewSessions(auth.SessionOptions{}) },
			"needs Manager and Identify",
		},
		{"no manager", func() { auth.LoadAndSave(nil) }, "nil manager"},
		{"no bearer", func() { auth.NewSubprotocol(nil) }, "NewSubprotocol of a nil Bearer"},
		{
			"nobody in a certificate",
			func() { auth.ClientCert(nil) },
			"ClientCert of a nil function",
		},
		{"no layer", func() { auth.NewChannelRevocations(nil) }, "nil layer"},
	}
}

// withoutApp has every middleware stand in front of nothing.
func withoutApp() (list []mistake) {
	for name, wrap := range map[string]parley.Middleware{
		"Middleware":  authWith(newBearer()),
		"Require":     auth.Require(auth.RequireOptions{}),
		"LoadAndSave": auth.LoadAndSave(newSessions()),
	} {
		words := name + " of a nil app"
		list = append(list,
			mistake{name + " of nothing", func() { wrap(nil) }, words},
			mistake{name + " of no function", func() { wrap(parley.AppFunc(nil)) }, words})
	}
	return list
}
