package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// TLS is a listener's certificate, and whom it asks for one.
type TLS struct {
	// CertFile and KeyFile are PEM files. They are read again when they have
	// changed, at most once a second and at the next handshake: a pair that
	// cannot be read, or does not fit, as while it is being replaced, is logged,
	// and the one before stays in use.
	CertFile, KeyFile string

	// ClientCAs is a PEM file of authorities. If set, clients must show a
	// certificate of one of them (mutual TLS). It is read once.
	ClientCAs string

	// Config is used in place of the files, or beside them for what they do not
	// say. The server works on a copy.
	Config *tls.Config
}

// config returns the configuration, with the certificate read.
func (t *TLS) config(warn func(error)) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.Config != nil {
		config = t.Config.Clone()
	}
	if t.ClientCAs != "" {
		pem, err := os.ReadFile(t.ClientCAs)
		if err != nil {
			return nil, fmt.Errorf("client authorities: %w", err)
		}
		config.ClientCAs = x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("client authorities: no certificate in %s", t.ClientCAs)
		}
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		return nil, errors.New("CertFile and KeyFile belong together, and one is not set")
	}
	if t.CertFile != "" {
		pair := &reloaded{cert: t.CertFile, key: t.KeyFile, warn: warn}
		if err := pair.read(); err != nil {
			return nil, fmt.Errorf("certificate %s: %w", t.CertFile, err)
		}
		config.GetCertificate = pair.get
	}
	if len(config.Certificates) == 0 &&
		config.GetCertificate == nil && config.GetConfigForClient == nil {
		return nil, errors.New("no certificate: set CertFile and KeyFile, or Config")
	}
	return config, nil
}

// reloaded is a pair of files whose changes are followed.
type reloaded struct {
	cert, key string
	warn      func(error)

	mu      sync.Mutex
	pair    *tls.Certificate
	stamp   [2]version
	checked time.Time
}

// version tells one content of a file from another without reading it.
type version struct {
	changed time.Time
	size    int64
}

const checkEvery = time.Second

// get returns the certificate as it is now.
func (r *reloaded) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.checked) >= checkEvery {
		r.checked = now
		if stamp, err := r.look(); err != nil || stamp != r.stamp {
			r.renew(err)
		}
	}
	return r.pair, nil
}

func (r *reloaded) renew(err error) {
	if err == nil {
		err = r.read()
	}
	if err != nil {
		r.warn(fmt.Errorf("certificate not reloaded: %w", err))
	}
}

// read takes the files in. The stamp is taken before: what changes meanwhile is
// read again.
func (r *reloaded) read() error {
	stamp, err := r.look()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(r.cert, r.key)
	if err != nil {
		return err
	}
	r.pair, r.stamp = &pair, stamp
	return nil
}

func (r *reloaded) look() (stamp [2]version, err error) {
	for i, name := range []string{r.cert, r.key} {
		var info fs.FileInfo
		if info, err = os.Stat(name); err != nil {
			return stamp, err
		}
		stamp[i] = version{info.ModTime(), info.Size()}
	}
	return stamp, nil
}
