package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// lobby is a listener in memory, whose time is a bubble's.
type lobby struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newLobby() *lobby { return &lobby{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (l *lobby) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *lobby) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *lobby) Addr() net.Addr { return &net.UnixAddr{Name: "lobby", Net: "unix"} }

func (l *lobby) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

// drip sends bytes as slowly as a client does that only wants to keep a place, until
// nobody takes them.
func drip(conn net.Conn, text string) {
	for i := 0; ; i = (i + 1) % len(text) {
		if _, err := conn.Write([]byte{text[i]}); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}

// slowClients is what clients do that hold a place, and when the server ends it.
var slowClients = []struct {
	name string
	act  func(conn net.Conn)
	want time.Duration
	told string // a part of what the client reads before the end
}{
	{"says nothing", func(net.Conn) {}, 10 * time.Second, ""},
	{"drips a header", func(conn net.Conn) { drip(conn, "GET / HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("x", 1000)) },
		10 * time.Second, ""},
	{"stops within a header", func(conn net.Conn) { io.WriteString(conn, "GET / HTTP/1.1\r\nHo") },
		10 * time.Second, ""},
	{"sends no body", func(conn net.Conn) {
		io.WriteString(conn, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
	}, 30 * time.Second, "408 Request Timeout"},
	{"sends half a body", func(conn net.Conn) {
		io.WriteString(conn, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
	}, 30 * time.Second, "408 Request Timeout"},
	{"sends a handler half a body", func(conn net.Conn) {
		io.WriteString(conn, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
	}, time.Minute, "408 Request Timeout"},
	{"pauses within a body", func(conn net.Conn) {
		io.WriteString(conn, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
		time.Sleep(50 * time.Second)
		io.WriteString(conn, "again")
		time.Sleep(50 * time.Second)
		io.WriteString(conn, "!")
	}, 100*time.Second + 2*time.Minute, "200 OK"},
	{"goes on after an answer with nothing", func(conn net.Conn) {
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	}, 2 * time.Minute, "200 OK"},
	{"is gone without a word, with a socket open", func(conn net.Conn) {
		io.WriteString(conn, "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n")
	}, 45 * time.Second, "101 Switching"},
}

// TestSlowClients: none of them keeps its place.
func TestSlowClients(t *testing.T) {
	for _, test := range slowClients {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lobby := newLobby()
				options := quiet()
				options.Listeners = []Listener{{Socket: lobby}}
				s := New(patientApp(), options)
				if err := s.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				conn := lobby.dial()
				began := time.Now()
				var acting sync.WaitGroup
				acting.Go(func() { test.act(conn) })
				read, _ := io.ReadAll(conn)
				if took := time.Since(began); took < test.want || took > test.want+10*time.Second {
					t.Errorf("it was let go after %v, want %v", took, test.want)
				}
				if !strings.Contains(string(read), test.told) {
					t.Errorf("it was told %q, want %q", read, test.told)
				}
				conn.Close()
				acting.Wait()
				if err := s.Stop(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// patientApp waits for whatever its clients may do.
func patientApp() parley.App {
	socket := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		_, err := ws.Read(ctx)
		return err
	})
	upload := nethttp.App(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); errors.Is(err, os.ErrDeadlineExceeded) {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	}))
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		switch {
		case scope.Protocol == parley.WebSocket:
			return socket.Serve(ctx, scope, conn)
		case scope.Protocol != parley.HTTP:
			return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
		case scope.Request.URL.Path == "/upload":
			return upload.Serve(ctx, scope, conn)
		case scope.Request.URL.Path == "/body":
			if _, err := parley.ReadBody(ctx, conn, 100); err != nil {
				return err
			}
		}
		return parley.Respond(ctx, conn, http.StatusOK, nil, []byte("here"))
	})
}

// TestHalfClosedConnectionIsAnswered: a client may say that it will say no more.
func TestHalfClosedConnectionIsAnswered(t *testing.T) {
	s := New(patientApp(), quiet())
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, s)
	io.WriteString(conn, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
	conn.(*net.TCPConn).CloseWrite()
	if answer, _ := io.ReadAll(conn); !strings.HasPrefix(string(answer), "HTTP/1.1 200") {
		t.Errorf("answered %q", answer)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestHandlersThatNeverReturn: they hold their own places, not the process. It says
// that it is well, and goes when the time is up.
func TestHandlersThatNeverReturn(t *testing.T) {
	never := make(chan struct{})
	var entered, left sync.WaitGroup
	app := nethttp.App(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered.Done()
		defer left.Done()
		<-never
	}))
	options := quiet()
	options.HealthPath, options.DrainTimeout = "/healthz", 100*time.Millisecond
	s := New(app, options)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	const stuck = 50
	entered.Add(stuck)
	left.Add(stuck)
	var clients sync.WaitGroup
	for range stuck {
		clients.Go(func() {
			conn := connect(t, s)
			io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			if _, err := conn.Read(make([]byte, 1)); err == nil {
				t.Error("a handler that never returns has answered")
			}
		})
	}
	entered.Wait()
	if got := get(t, s, "/healthz"); got != "200 ok\n" {
		t.Errorf("it says of itself %q", got)
	}
	if err := s.Stop(t.Context()); !errors.Is(err, errDrainTimeout) {
		t.Errorf("stop: %v, want %v", err, errDrainTimeout)
	}
	clients.Wait()
	close(never)
	left.Wait()
}
