package middleware

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/wiring"
)

// RequestIDOptions configure RequestID.
type RequestIDOptions struct {
	// Header carries the id, in and out. Default "X-Request-Id".
	Header string

	// Ignore makes a new id for every request, whatever came in.
	Ignore bool

	// Echo sets the header on the answer too, unless the app sets it itself. A
	// gateway right above does so for every answer, its own for an app that has
	// failed included. Middleware above that wraps the conn has it wrapped once more.
	// Default off.
	Echo bool

	// New makes an id. Default: 26 random letters and digits.
	New func() string
}

// RequestID gives every request and handshake an id, found by RequestIDFrom. An
// id that comes in is kept if it stands alone, has 1 to 128 bytes, and is made
// of ASCII letters, digits and "-_.:+/=" only, so that it can be logged as it
// is; any other is replaced.
func RequestID(options RequestIDOptions) parley.Middleware {
	if options.Header == "" {
		options.Header = "X-Request-Id"
	}
	options.Header = http.CanonicalHeaderKey(options.Header)
	if options.New == nil {
		options.New = rand.Text
	}
	return func(next parley.App) parley.App {
		wiring.Need("middleware: RequestID", "app", next)
		return &requestID{next, options}
	}
}

type requestIDKey struct{}

// RequestIDFrom returns the id that RequestID gave the conversation, or "".
func RequestIDFrom(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

type requestID struct {
	next    parley.App
	options RequestIDOptions
}

func (m *requestID) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	if !protocol.Requested(scope) {
		return m.next.Serve(ctx, scope, conn)
	}
	id := m.inbound(scope.Request.Header[m.options.Header])
	if id == "" {
		id = m.options.New()
	}
	if m.options.Echo {
		conn = echoing(conn, m.options.Header, id)
	}
	return m.next.Serve(context.WithValue(ctx, requestIDKey{}, id), scope, conn)
}

func (m *requestID) inbound(values []string) string {
	if m.options.Ignore || len(values) != 1 || !validRequestID(values[0]) {
		return ""
	}
	return values[0]
}

var requestIDByte = func() (table [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:+/=") {
		table[c] = true
	}
	return table
}()

func validRequestID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for i := 0; i < len(id); i++ {
		if !requestIDByte[id[i]] {
			return false
		}
	}
	return true
}
