package auth

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// hideOffer takes "bearer" and the token out of what a client without a socket offers:
// of an offer the app below package fallback sees as much as of a socket's. The rest of
// it is in the header then.
func hideOffer(scope *parley.Scope) *parley.Scope {
	if !namesBearer(scope.Request) {
		return scope
	}
	offered := protocol.Offer(scope.Request)
	at := slices.Index(offered, bearerProtocol)
	if at < 0 {
		return scope
	}
	for ; at >= 0; at = slices.Index(offered, bearerProtocol) {
		offered = slices.Delete(offered, at, min(at+2, len(offered)))
	}
	below := *scope
	r := withoutParam(scope.Request, protocol.OfferParam)
	r.Header = r.Header.Clone()
	r.Header[protocol.OfferHeader] = []string{strings.Join(offered, ", ")}
	below.Request = r
	return &below
}

// namesBearer reports whether an offer may name "bearer". Most requests offer nothing.
func namesBearer(r *http.Request) bool {
	return strings.Contains(r.URL.RawQuery, bearerProtocol) ||
		strings.Contains(r.URL.RawQuery, "%") ||
		slices.ContainsFunc(r.Header[protocol.OfferHeader], func(line string) bool {
			return strings.Contains(line, bearerProtocol)
		})
}

// withoutParam returns a copy of a request whose URL has a parameter no more. The rest of the query
// stays as it is.
func withoutParam(r *http.Request, name string) *http.Request {
	var kept []string
	for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
		own, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(own); err != nil || plain != name {
			kept = append(kept, part)
		}
	}
	below := r.WithContext(r.Context())
	if query := strings.Join(kept, "&"); query != r.URL.RawQuery {
		u := *r.URL
		u.RawQuery = query
		below.URL, below.RequestURI = &u, u.RequestURI()
	}
	return below
}
