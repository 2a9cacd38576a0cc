package thirdparty

import (
	"bufio"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
	"golang.org/x/net/http2"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/server"
)

// extended reports whether the test goes on here: in a process of its own, where
// net/http lets WebSockets over HTTP/2 in. It looks at the switch once, when it starts.
func extended(t *testing.T) bool {
	t.Helper()
	if os.Getenv("PARLEY_TEST_EXTENDED") == t.Name() {
		return true
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	child.Env = append(os.Environ(), "PARLEY_TEST_EXTENDED="+t.Name(), "GODEBUG=http2xconnect=1")
	if output, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	return false
}

// memory listens for connections that are pipes.
type memory struct {
	conns  chan net.Conn
	closed chan struct{}
	close  sync.Once
}

func newMemory() *memory {
	return &memory{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case conn := <-m.conns:
		return conn, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memory) dial(context.Context, string, string, *tls.Config) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case m.conns <- server:
		return client, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error {
	m.close.Do(func() { close(m.closed) })
	return nil
}

func (m *memory) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }

// peer is a client whose sockets are streams of one HTTP/2 connection.
type peer struct {
	t         *testing.T
	transport *http2.Transport
}

// serveMemory starts a server of HTTP/2 in memory, and a client of it.
func serveMemory(
	t *testing.T, app parley.App, o nethttp.Options, configure ...func(*http.Server),
) (*server.Server, *peer) {
	t.Helper()
	m := newMemory()
	s := server.New(app, server.Options{
		Logger: slog.New(slog.DiscardHandler), Gateway: o,
		Listeners: []server.Listener{{Socket: m, H2C: true}},
		Configure: func(s *http.Server) {
			for _, change := range configure {
				change(s)
			}
		},
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, transport: &http2.Transport{AllowHTTP: true, DialTLSContext: m.dial}}
	t.Cleanup(p.transport.CloseIdleConnections)
	return s, p
}

// connect sends a handshake. Its body is what the socket sends from then on.
func (p *peer) connect(path string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequest(http.MethodConnect, "http://memory"+path, body)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header[":protocol"] = []string{"websocket"}
	r.Header.Set("Sec-WebSocket-Version", "13")
	return p.transport.RoundTrip(r)
}

// dial opens a socket. Other people's client speaks HTTP/1.1 to a pipe for it.
func (p *peer) dial(path string) (*websocket.Conn, *http.Response, error) {
	dialer := websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go p.translate(far)
		return near, nil
	}}
	return dialer.Dial("ws://memory"+path, nil)
}

func (p *peer) translate(conn net.Conn) {
	defer conn.Close()
	from := bufio.NewReader(conn)
	r, err := http.ReadRequest(from)
	if err != nil {
		return
	}
	body, into := io.Pipe()
	answer, err := p.connect(r.URL.RequestURI(), body)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		answer.Proto, answer.ProtoMajor, answer.ProtoMinor = "HTTP/1.1", 1, 1
		answer.Write(conn)
		return
	}
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: "+acceptOf(r.Header.Get("Sec-Websocket-Key"))+"\r\n\r\n")
	go func() {
		io.Copy(into, from)
		into.CloseWithError(errors.New("the client is gone"))
	}()
	io.Copy(conn, answer.Body)
}

func acceptOf(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
