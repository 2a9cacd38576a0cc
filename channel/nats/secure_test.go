package nats_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/channel/nats/embedded"
	"github.com/parleygo/parley/internal/servicetest"
)

// bothServers runs a test with a server of the system and one that is embedded, which have
// the same lines in their configuration. The address is where both kinds listen.
func bothServers(t *testing.T, lines []string, test func(t *testing.T, address string)) {
	t.Run("server", func(t *testing.T) { test(t, servicetest.StartNATS(t, lines...).Addr) })
	t.Run("embedded", func(t *testing.T) {
		config := servicetest.WriteFile(t, "nats.conf", lines...)
		var failed error
		s, err := embedded.New(embedded.Options{Listen: "127.0.0.1:0", Logger: silent,
			Configure: func(o *server.Options) { failed = o.ProcessConfigFile(config) }})
		if err = errors.Join(failed, err); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		_, address, _ := strings.Cut(s.URL(), "://")
		test(t, address)
	})
}

// works fails the test unless groups and what is kept work.
func works(t *testing.T, transport *nats.Transport) {
	t.Helper()
	got := make(chan string, 1)
	if _, err := transport.Subscribe(patient(t), "room",
		func(payload []byte) { got <- string(payload) }); err != nil {
		t.Fatal(err)
	}
	if err := transport.Publish(patient(t), "room", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if text := await(t, "payload", got); text != "hello" {
		t.Errorf("got %q", text)
	}
	if _, err := transport.Append(patient(t), "log", []byte("x"), keepAll); err != nil {
		t.Error(err)
	}
	if past, err := transport.Since(patient(t), "log", channel.Position{}, 9); err != nil || len(past.Entries) != 1 {
		t.Errorf("%+v, %v", past, err)
	}
}

// refuses fails the test unless New returns an error of this kind.
func refuses(t *testing.T, o nats.Options, is func(error) bool) {
	t.Helper()
	o.Logger = silent
	transport, err := nats.New(o)
	if err == nil {
		_ = transport.Close(patient(t))
		t.Error("connected")
	} else if !is(err) || !strings.HasPrefix(err.Error(), "nats: connect: ") {
		t.Errorf("%T: %v", err, err)
	}
}

// TestTLS: with an authority of one's own, which both sides are asked for.
func TestTLS(t *testing.T) {
	own, other := servicetest.NewAuthority(t), servicetest.NewAuthority(t)
	here, elsewhere := own.Issue("127.0.0.1"), own.Issue("127.0.0.2")
	foreign := other.Issue("127.0.0.1")
	client := func(roots *x509.CertPool, certificates ...tls.Certificate) *tls.Config {
		return &tls.Config{RootCAs: roots, Certificates: certificates}
	}
	lines := func(c servicetest.Certificate) []string {
		return []string{fmt.Sprintf("tls { cert_file: '%s', key_file: '%s', ca_file: '%s', verify: true }",
			c.File, c.KeyFile, own.File)}
	}
	unknown := func(err error) bool { return errors.As(err, new(x509.UnknownAuthorityError)) }
	bothServers(t, lines(here), func(t *testing.T, address string) {
		for _, scheme := range []string{"tls://", "nats://"} {
			servers := []string{scheme + address}
			works(t, connect(t, nats.Options{Servers: servers, TLS: client(own.Roots, here.Certificate),
				Prefix: "p" + scheme[:3]}))
			refuses(t, nats.Options{Servers: servers}, unknown)
			refuses(t, nats.Options{Servers: servers, TLS: client(other.Roots, here.Certificate)}, unknown)
			for name, config := range map[string]*tls.Config{
				"no certificate": client(own.Roots), "another's": client(own.Roots, foreign.Certificate),
			} {
				t.Log(name) // which the server may say when it has already hung up
				refuses(t, nats.Options{Servers: servers, TLS: config},
					func(err error) bool { return strings.Contains(err.Error(), "tls") })
			}
		}
	})
	bothServers(t, lines(elsewhere), func(t *testing.T, address string) {
		refuses(t, nats.Options{Servers: []string{address}, TLS: client(own.Roots, here.Certificate)},
			func(err error) bool { return errors.As(err, new(x509.HostnameError)) })
	})
}

// TestCredentials: who is who they say is let in, and who is not is an error of New.
func TestCredentials(t *testing.T) {
	denied := func(err error) bool { return errors.Is(err, natsgo.ErrAuthorization) }
	seed, public := newKey(t, nkeys.CreateUser)
	otherSeed, _ := newKey(t, nkeys.CreateUser)
	accounts := newAccounts(t)
	for name, test := range map[string]struct {
		lines        []string
		right, wrong nats.Options
	}{
		"password": {[]string{"authorization { user: ann, password: secret }"},
			nats.Options{User: "ann", Password: "secret"}, nats.Options{User: "ann", Password: "guess"}},
		"nobody": {[]string{"authorization { user: ann, password: secret }"},
			nats.Options{User: "ann", Password: "secret"}, nats.Options{}},
		"token": {[]string{"authorization { token: secret }"},
			nats.Options{Token: "secret"}, nats.Options{Token: "guess"}},
		"nkey": {[]string{"authorization { users: [ { nkey: " + public + " } ] }"},
			nats.Options{Connect: []natsgo.Option{byKey(t, seed)}},
			nats.Options{Connect: []natsgo.Option{byKey(t, otherSeed)}}},
		"credentials": {accounts.lines,
			nats.Options{Credentials: accounts.credentials(t)},
			nats.Options{Credentials: newAccounts(t).credentials(t)}},
	} {
		t.Run(name, func(t *testing.T) {
			bothServers(t, test.lines, func(t *testing.T, address string) {
				test.right.Servers, test.wrong.Servers = []string{address}, []string{address}
				works(t, connect(t, test.right))
				refuses(t, test.wrong, denied)
				if u := test.right; u.User != "" { // or in the URL
					u.Servers = []string{"nats://" + u.User + ":" + u.Password + "@" + address}
					u.User, u.Password, u.Prefix = "", "", "url"
					works(t, connect(t, u))
				}
			})
		})
	}
	refuses(t, nats.Options{Credentials: "/no/such/file"}, func(err error) bool {
		return strings.Contains(err.Error(), "no such file")
	})
}

func newKey(t *testing.T, create func() (nkeys.KeyPair, error)) (seed []byte, public string) {
	t.Helper()
	pair, err := create()
	if err != nil {
		t.Fatal(err)
	}
	seed, seedErr := pair.Seed()
	public, publicErr := pair.PublicKey()
	if err := errors.Join(seedErr, publicErr); err != nil {
		t.Fatal(err)
	}
	return seed, public
}

func byKey(t *testing.T, seed []byte) natsgo.Option {
	t.Helper()
	option, err := natsgo.NkeyOptionFromSeed(servicetest.WriteFile(t, "user.nk", string(seed)))
	if err != nil {
		t.Fatal(err)
	}
	return option
}

// accounts are those of an operator, as nsc makes them.
type accounts struct {
	account nkeys.KeyPair
	lines   []string // of a server's configuration
}

func newAccounts(t *testing.T) *accounts {
	t.Helper()
	operator, operatorErr := nkeys.CreateOperator()
	system, systemErr := nkeys.CreateAccount()
	account, accountErr := nkeys.CreateAccount()
	if err := errors.Join(operatorErr, systemErr, accountErr); err != nil {
		t.Fatal(err)
	}
	a := &accounts{account: account}
	of := jwt.NewAccountClaims(public(t, account))
	of.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1,
		Streams: -1, Consumer: -1}
	ofSystem := jwt.NewAccountClaims(public(t, system))
	a.lines = []string{
		"operator: " + encode(t, jwt.NewOperatorClaims(public(t, operator)), operator),
		"system_account: " + public(t, system),
		"resolver: MEMORY",
		"resolver_preload: {",
		public(t, account) + ": " + encode(t, of, operator),
		public(t, system) + ": " + encode(t, ofSystem, operator),
		"}",
	}
	return a
}

// credentials makes a user of the account, and returns the file that says so.
func (a *accounts) credentials(t *testing.T) string {
	t.Helper()
	seed, public := newKey(t, nkeys.CreateUser)
	text, err := jwt.FormatUserConfig(encode(t, jwt.NewUserClaims(public), a.account), seed)
	if err != nil {
		t.Fatal(err)
	}
	return servicetest.WriteFile(t, "user.creds", string(text))
}

func public(t *testing.T, pair nkeys.KeyPair) string {
	t.Helper()
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func encode(t *testing.T, claims jwt.Claims, by nkeys.KeyPair) string {
	t.Helper()
	text, err := claims.Encode(by)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
