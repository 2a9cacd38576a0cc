package parleytest

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/parleygo/parley"
)

// Live is the Wire of an adapter: every script runs against net/http's server
// with the handler that newHandler makes of the app, over TCP, with a client of
// this package's own. An adapter's whole proof is
//
//	func TestConformance(t *testing.T) {
//		parleytest.Conform(t, parleytest.Live(func(app parley.App) http.Handler {
//			return adapter.Handler(app)
//		}))
//	}
//
// A handler that has a method Drain(context.Context) error is drained too.
func Live(newHandler func(app parley.App) http.Handler) Wire { return live(newHandler) }

type live func(app parley.App) http.Handler

type drainer interface {
	Drain(ctx context.Context) error
}

func (l live) Features() Features {
	_, drains := l(parley.LifespanHooks{}).(drainer)
	return Features{Network: true, Drain: drains}
}

// dial starts a server for a handler and connects to it. The deadline is a
// safety net.
func (l live) dial(t testing.TB, handler http.Handler) net.Conn {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // apps panic on purpose
	server.Start()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		server.Close()
		t.Fatalf("parleytest: %v", err)
	}
	t.Cleanup(func() {
		conn.Close()
		server.Close()
	})
	conn.SetDeadline(time.Now().Add(Patience))
	return conn
}

// writeHead writes the head of a request.
func writeHead(w io.Writer, method, target, proto string, header http.Header) {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s %s %s\r\n", cmp.Or(method, "GET"), cmp.Or(target, "/"),
		cmp.Or(proto, "HTTP/1.1"))
	header.Write(b)
	b.WriteString("\r\n")
	b.Flush() // a server that is gone shows when the answer is read
}
