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
// of an offer the app below package fallback sees as much as of a socket's.
func hideOffer(scope *parley.Scope) *parley.Scope {
	lines := scope.Request.Header[protocol.OfferHeader]
	rest, named := withoutBearer(lines)
	query, asked := queryWithoutBearer(scope.Request.URL.RawQuery)
	if !named && !asked {
		return scope
	}
	below := *scope
	r := scope.Request.WithContext(scope.Request.Context())
	if named {
		r.Header = r.Header.Clone()
		r.Header[protocol.OfferHeader] = []string{rest}
	}
	if asked {
		u := *r.URL
		u.RawQuery = query
		r.URL, r.RequestURI = &u, u.RequestURI()
	}
	below.Request = r
	return &below
}

// withoutBearer returns an offer without each "bearer" and what stands behind it. found
// reports whether there was one.
func withoutBearer(lines []string) (rest string, found bool) {
	if !slices.ContainsFunc(lines, func(line string) bool {
		return strings.Contains(line, bearerProtocol)
	}) {
		return "", false
	}
	offered := protocol.Subprotocols(http.Header{"Sec-Websocket-Protocol": lines})
	for at := slices.Index(offered, bearerProtocol); at >= 0; {
		offered = slices.Delete(offered, at, min(at+2, len(offered)))
		at, found = slices.Index(offered, bearerProtocol), true
	}
	return strings.Join(offered, ", "), found
}

// queryWithoutBearer does the same to the parameter of those who can set no headers, and
// leaves the rest of the query as it is.
func queryWithoutBearer(query string) (rest string, found bool) {
	if !strings.Contains(query, protocol.OfferParam+"=") {
		return query, false
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		text, ok := strings.CutPrefix(part, protocol.OfferParam+"=")
		value, err := url.QueryUnescape(text)
		if !ok || err != nil {
			continue
		}
		if offer, named := withoutBearer([]string{value}); named {
			parts[i], found = protocol.OfferParam+"="+url.QueryEscape(offer), true
		}
	}
	return strings.Join(parts, "&"), found
}
