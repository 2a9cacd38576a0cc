package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
)

// authority signs certificates for tests.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	a.cert = a.sign(t, "authority", a.key, nil)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign makes a certificate for key; the authority's own where parent is nil.
func (a *authority) sign(t *testing.T, name string, key *ecdsa.PrivateKey, parent *x509.Certificate) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: parent == nil, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// write puts a new pair into a folder.
func (a *authority) write(t *testing.T, folder, name string) {
	t.Helper()
	key := newKey(t)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, folder+"/cert.pem", "CERTIFICATE", a.sign(t, name, key, a.cert).Raw)
	write(t, folder+"/key.pem", "EC PRIVATE KEY", der)
}

func write(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCertificateIsReloaded(t *testing.T) {
	a, folder := newAuthority(t), t.TempDir()
	a.write(t, folder, "first")
	synctest.Test(t, func(t *testing.T) {
		var warnings []error
		config, err := (&TLS{CertFile: folder + "/cert.pem", KeyFile: folder + "/key.pem"}).config(
			func(err error) { warnings = append(warnings, err) })
		if err != nil {
			t.Fatal(err)
		}
		expect := func(when, want string) {
			t.Helper()
			time.Sleep(checkEvery)
			pair, err := config.GetCertificate(nil)
			if err != nil {
				t.Fatal(err)
			}
			if leaf, _ := x509.ParseCertificate(pair.Certificate[0]); leaf.Subject.CommonName != want {
				t.Errorf("%s the certificate is %q, want %q", when, leaf.Subject.CommonName, want)
			}
		}
		expect("at first", "first")
		a.write(t, folder, "the second")
		expect("replaced", "the second")
		expect("unchanged", "the second")
		if len(warnings) > 0 {
			t.Errorf("warned of %v", warnings)
		}
		half, _ := os.ReadFile(folder + "/cert.pem")
		os.WriteFile(folder+"/cert.pem", half[:len(half)/2], 0o600)
		expect("half written", "the second")
		os.Remove(folder + "/cert.pem")
		expect("gone", "the second")
		if len(warnings) != 2 {
			t.Errorf("%d warnings: %v, want 2", len(warnings), warnings)
		}
		a.write(t, folder, "the last one")
		expect("there again", "the last one")
	})
}

func TestTLS(t *testing.T) {
	a, folder := newAuthority(t), t.TempDir()
	a.write(t, folder, "server")
	write(t, folder+"/ca.pem", "CERTIFICATE", a.cert.Raw)
	s := New(parley.LifespanHooks{}, Options{
		Logger: slog.New(slog.DiscardHandler),
		Listeners: []Listener{{Addr: "127.0.0.1:0", TLS: &TLS{
			CertFile: filepath.Join(folder, "cert.pem"), KeyFile: filepath.Join(folder, "key.pem"),
			ClientCAs: filepath.Join(folder, "ca.pem"),
		}}},
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	clientKey := newKey(t)
	client := tls.Certificate{Certificate: [][]byte{a.sign(t, "client", clientKey, a.cert).Raw}, PrivateKey: clientKey}
	for _, test := range []struct {
		name  string
		certs []tls.Certificate
		want  bool
	}{{"with a certificate", []tls.Certificate{client}, true}, {"without", nil, false}} {
		conn, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{
			RootCAs: roots, Certificates: test.certs, NextProtos: []string{"h2"}})
		if err == nil {
			_, err = conn.Read(make([]byte, 1)) // the server's settings, or its refusal
			if got := conn.ConnectionState().NegotiatedProtocol; got != "h2" {
				t.Errorf("%s: protocol %q", test.name, got)
			}
			conn.Close()
		}
		if (err == nil) != test.want {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
