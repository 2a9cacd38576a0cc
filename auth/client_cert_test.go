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
	for _, test := range []struct {
		name  string
		state *tls.ConnectionState
		want  string
	}{
		{"no TLS", nil, "auth: nobody is logged in"},
		{"not verified", &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}, "auth: nobody is logged in"},
		{"verified", &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: [][]*x509.Certificate{{cert}}}, "ann"},
		{"unknown", &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{}}, VerifiedChains: [][]*x509.Certificate{{cert}}}, "Unauthorized\n"},
	} {
		r := get("/")
		r.TLS = test.state
		if got := parleytest.Do(t, authWith(byName)(whoami), r).Body; got != test.want {
			t.Errorf("%s: %q", test.name, got)
		}
	}
}
