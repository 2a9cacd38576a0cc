package auth

import (
	"context"
	"crypto/x509"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/wiring"
)

// ClientCert authenticates with the TLS certificate of the client (mTLS), one that
// the server has verified: set tls.Config.ClientAuth to
// tls.VerifyClientCertIfGiven or stricter. identify makes an identity of it; nil,
// nil is nobody that we know (401). Expires is the certificate's where it sets
// none.
func ClientCert(
	identify func(ctx context.Context, cert *x509.Certificate) (*Identity, error),
) Authenticator {
	wiring.Need("auth: ClientCert", "function", identify)
	return AuthenticatorFunc(func(ctx context.Context, scope *parley.Scope) (*Identity, error) {
		state := scope.Request.TLS
		if state == nil || len(state.VerifiedChains) == 0 || len(state.PeerCertificates) == 0 {
			return nil, nil
		}
		cert := state.PeerCertificates[0]
		identity, err := identify(ctx, cert)
		return adopted(identity, err, "client-cert", cert.NotAfter)
	})
}
