package overevents

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"time"

	"github.com/parleygo/parley"
)

// Server is the net/http server at the bottom of a conversation, whatever stands
// between. It does for a handler what no event says, and while one is at work it
// takes events for what they are then: the handler's own reads and writes, on which
// net/http sets no limit, which fail with net/http's errors, and go on after the
// client has closed its half of the connection.
type Server interface {
	// Enter reports whether a handler may be served, and notes that one is.
	Enter() bool
	// Header is what the head of the answer has already, set above the conversation.
	Header() http.Header
	// Leave notes that the handler has returned. After a panic it is not called.
	Leave()

	// Inform sends an informational answer.
	Inform(status int, header http.Header)
	// Pushes reports whether Push may succeed.
	Pushes() bool
	Push(target string, options *http.PushOptions) error
	Hijack() (net.Conn, *bufio.ReadWriter, error)
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	EnableFullDuplex() error
}

// ServerKey is the key under which the context of a live HTTP conversation has its
// Server.
type ServerKey struct{}

// serverOf returns the server at the bottom of an HTTP conversation, or nil. The
// context can be that of a request in whose course somebody made another.
func serverOf(ctx context.Context, scope *parley.Scope) Server {
	if scope.Protocol != parley.HTTP {
		return nil
	}
	live, ok := ctx.Value(ServerKey{}).(Server)
	if !ok || !live.Enter() {
		return nil
	}
	return live
}
