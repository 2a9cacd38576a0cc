package thirdparty

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/olahol/melody"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// TestMelodyIdentity: melody behaves below a gateway, and below routers and
// middleware that decide, as it does without.
func TestMelodyIdentity(t *testing.T) {
	bare := talkMelody(t, melodyOnce())
	for name, app := range map[string]parley.App{
		"app": nethttp.App(melodyOnce()), "below a router": deciding(nethttp.App(melodyOnce())),
		"below net/http middleware": nethttp.Middleware(func(next http.Handler) http.Handler {
			return http.HandlerFunc(next.ServeHTTP)
		})(nethttp.App(melodyOnce())),
	} {
		if got := talkMelody(t, gateway(app)); got != bare {
			t.Errorf("%s: got %q, want %q", name, got, bare)
		}
	}
}

// melodyOnce is an echo that says goodbye itself, so that its answer does not depend
// on which of melody's goroutines is first.
func melodyOnce() http.Handler {
	m := melody.New()
	m.HandleMessage(func(s *melody.Session, message []byte) {
		s.Write(message)
		s.CloseWithMsg(melody.FormatCloseMessage(melody.CloseNormalClosure, "enough"))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.HandleRequest(w, r) })
}

// talkMelody shakes hands, says something and returns all that comes back.
func talkMelody(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x82\x00\x00\x00\x00hi")
	all, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}
