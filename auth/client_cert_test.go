package auth_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"

	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/parleytest"
)

func TestClientCert(t *testing.T) {
	cert := &x509.Certificate{NotAfter: time.Now().Add(time.Hour)}
	cert.Subject.CommonName = "ann"
	byName := auth.ClientCert(func(_ context.Context, cert *x509.Certificate) (*auth.Identity, error) {
		if cert.Subject.CommonName != "ann" {
			return nil, nil
		}
		return &auth.Identity{ID: "ann", User: &account{"ann"}}, nil
	})
	peers, chains := []*x509.Certificate{cert}, [][]*x509.Certificate{{cert}}
	others := []*x509.Certificate{{}}
	for _, test := range []struct {
		name  string
		state *tls.ConnectionState
		want  string
	}{
		{"no TLS", nil, nobody},
		{"not verified", &tls.ConnectionState{PeerCertificates: peers}, nobody},
		{"verified", &tls.ConnectionState{PeerCertificates: peers, VerifiedChains: chains}, "ann"},
		{
			"unknown", &tls.ConnectionState{PeerCertificates: others, VerifiedChains: chains},
			"Unauthorized\n",
		},
	} {
		r := get("/")
		r.TLS = test.state
		if got := parleytest.Do(t, authWith(byName)(whoami), r).Body; got != test.want {
			t.Errorf("%s: %q", test.name, got)
		}
	}
}
