package middleware

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// AccessLogHandler is AccessLog for HTTP requests, to be put around a gateway
// instead of inside it:
//
//	handler := middleware.AccessLogHandler(options)(nethttp.Handler(app))
//
// What runs natively below stays native: the ResponseWriter handed on can do what
// the server's own can (Flusher, Hijacker, ReaderFrom, Pusher, CloseNotifier, and the
// rest by http.ResponseController), and the first two where another wrapper stands
// above. It stands outside of TrustedProxies, and so shows the
// peer's address.
//
// What it leaves out is decided by what the server does, not by what the client
// says: a socket that an AccessLog below records, with SocketsOnly, as one that was
// denied is. Without such a one a socket is recorded when ServeHTTP returns, with
// status 101, which a Gateway does right after the upgrade.
func AccessLogHandler(options AccessLogOptions) func(http.Handler) http.Handler {
	record := options.record()
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			serveLogged(next, record, w, r)
		})
	}
}

func serveLogged(
	next http.Handler, record func(context.Context, *Access),
	w http.ResponseWriter, r *http.Request,
) {
	protocol.ShareTrailers(r)
	seen := new(findings)
	scope := &parley.Scope{Protocol: parley.HTTP, Request: r}
	r = r.WithContext(context.WithValue(r.Context(), findingsKey{}, seen))
	if r.MultipartForm == nil {
		defer protocol.RemoveFiles(r)
	}
	lw := &logWriter{ResponseWriter: w, request: r, access: newAccess(r.Context(), scope)}
	err := errNotReturned // unless ServeHTTP returns
	defer func() {
		access := &lw.access
		if seen.isTaken() {
			return
		}
		if seen.complete(access); access.Cause == nil {
			access.Cause = err
		}
		access.Duration = time.Since(access.Start)
		access.Route = cmp.Or(access.Route, r.Pattern)
		if access.Status == 0 && err == nil {
			access.Status = http.StatusOK // net/http answers for a handler that wrote nothing
		}
		if access.Status == http.StatusSwitchingProtocols {
			access.Protocol = parley.WebSocket
		}
		access.BytesIn = max(0, r.ContentLength)
		record(r.Context(), access)
	}()
	next.ServeHTTP(lw.likeServers(), r)
	err = nil
}
