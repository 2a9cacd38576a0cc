package auth

// Ambient marks an Authenticator whose credentials a browser sends by itself, as it does
// with a cookie, the way Sessions is marked: it is asked after those that a client shows
// on purpose, and on HTTP not before User is first called.
func Ambient(authenticator Authenticator) Authenticator {
	if authenticator == nil {
		panic("auth: Ambient of a nil Authenticator")
	}
	if rechecker, ok := authenticator.(Rechecker); ok {
		return ambientRechecker{rechecker}
	}
	return ambientAuthenticator{authenticator}
}

type ambientAuthenticator struct{ Authenticator }

func (ambientAuthenticator) ambient() {}

type ambientRechecker struct{ Rechecker }

func (ambientRechecker) ambient() {}
