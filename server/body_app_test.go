package server

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// TestBodiesAsWithoutServer: that the server watches how fast a body comes changes
// nothing of what apps make of it.
func TestBodiesAsWithoutServer(t *testing.T) {
	inEvents := parley.AppFunc(func(
		ctx context.Context, scope *parley.Scope, conn parley.Conn,
	) error {
		if scope.Protocol != parley.HTTP {
			return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
		}
		body, err := parley.ReadBody(ctx, conn, 100)
		if err != nil {
			return err
		}
		return parley.Respond(ctx, conn, http.StatusOK, nil, fmt.Append(nil, len(body)))
	})
	native := nethttp.App(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.ReadAll(r.Body)
		fmt.Fprint(w, r.Trailer)
	}))
	for _, c := range []struct {
		name, rest string
		app        parley.App
		want       string // how the answer begins
		end        string
	}{
		{"too long, and asks first", "Expect: 100-continue\r\nContent-Length: 10000000\r\n\r\n", inEvents,
			"HTTP/1.1 413 ", "Too Large\n"},
		{"too long", "Content-Length: 10000000\r\n\r\nhello", inEvents, "HTTP/1.1 413 ", "Too Large\n"},
		{"fits, and asks first", "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", inEvents,
			"HTTP/1.1 100 ", "5"},
		{"fits", "Content-Length: 5\r\n\r\nhello", inEvents, "HTTP/1.1 200 ", "5"},
		{"trailers not declared", "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n",
			native, "HTTP/1.1 200 ", "map[X-Sum:[1]]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := quiet()
			options.Gateway = nethttp.Options{MaxBody: 1000}
			s := New(c.app, options)
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			conn, err := net.Dial("tcp", s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"+c.rest)
			answer, _ := io.ReadAll(conn) // which may end by a reset, for what was not read
			if got := string(answer); !strings.HasPrefix(got, c.want) || !strings.HasSuffix(got, c.end) {
				t.Errorf("%q", got)
			}
			if err := s.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}
