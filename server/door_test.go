package server

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// newDoor opens a socket of its own.
func newDoor(t *testing.T, network string) *door {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = t.TempDir() + "/s"
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return &door{
		Listener: listener, straits: &straits{reserve: new(reserve)}, conns: new(connections),
		retiring: make(chan struct{}),
	}
}

// TestRetiredDoorLetsInWhoStandsBefore: who has connected is a client already, though
// nobody has accepted the connection.
func TestRetiredDoorLetsInWhoStandsBefore(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			d := newDoor(t, network)
			const clients = 20
			for range clients {
				conn, err := net.Dial(network, d.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
			}
			d.retire()
			d.retire()                // once more is the same
			time.Sleep(2 * lastSweep) // whoever accepts is late
			for i := range clients {
				conn, err := d.Accept()
				if err != nil {
					t.Fatalf("client %d: %v", i, err)
				}
				conn.Close()
			}
			if _, err := d.Accept(); !errors.Is(err, errRetired) {
				t.Errorf("then: %v, want %v", err, errRetired)
			}
			if conn, err := net.Dial(network, d.Addr().String()); err == nil {
				conn.Close()
				t.Error("the socket is still open")
			}
		})
	}
}

// TestHeldDoor: who comes to a shared port while a process leaves it is not refused,
// and is served by the one that stays.
func TestHeldDoor(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the kernel cannot be told")
	}
	leaves := startShared(t, "127.0.0.1:0")
	d := leaves.places[0].doors[0]
	d.hold()
	dialed := make(chan error, 1)
	go func() {
		conn, err := net.Dial("tcp", leaves.Addr().String())
		if err == nil {
			conn.Close()
		}
		dialed <- err
	}()
	select {
	case err := <-dialed:
		t.Errorf("a client came through: %v", err)
	case <-time.After(2 * lastCall):
	}
	stays := startShared(t, leaves.Addr().String())
	if err := leaves.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-dialed; err != nil {
		t.Error(err)
	}
	if err := stays.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func startShared(t *testing.T, addr string) *Server {
	t.Helper()
	options := quiet()
	options.Listeners = []Listener{{Addr: addr, ReusePort: true}}
	s := New(parley.LifespanHooks{}, options)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestIdleConnectionMayAskOnceMore: a request that was on its way when the drain
// began is answered, with the word that it was the last on its connection.
func TestIdleConnectionMayAskOnceMore(t *testing.T) {
	s := New(nethttp.App(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "here")
	})), quiet())
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, s)
	answers := bufio.NewReader(conn)
	ask := func() *http.Response {
		t.Helper()
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body)
		return answer
	}
	if got := ask(); got.StatusCode != 200 || got.Close {
		t.Errorf("at first: %v", got)
	}
	drained := make(chan error, 1)
	go func() {
		_, err := s.Drain(t.Context())
		drained <- err
	}()
	await(t, s.leaving.Load)
	s.serving.Wait() // the socket is closed
	if got := ask(); got.StatusCode != 200 || !got.Close {
		t.Errorf("in the drain: %v", got)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// TestHTTP2MayAskOnceMore: so may a client of HTTP/2, whose connection is the same for
// all that it asks.
func TestHTTP2MayAskOnceMore(t *testing.T) {
	options := quiet()
	options.Listeners = []Listener{{Addr: "127.0.0.1:0", H2C: true}}
	s := New(nethttp.App(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto)
	})), options)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	ask := func() string {
		answer, err := (&http.Client{Transport: transport}).Post("http://"+s.Addr().String(), "", http.NoBody)
		if err != nil {
			return err.Error()
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		return answer.Status + " " + string(body)
	}
	if got := ask(); got != "200 OK HTTP/2.0" {
		t.Errorf("at first: %q", got)
	}
	drained := make(chan error, 1)
	go func() {
		_, err := s.Drain(t.Context())
		drained <- err
	}()
	await(t, s.leaving.Load)
	s.serving.Wait()
	if got := ask(); got != "200 OK HTTP/2.0" {
		t.Errorf("in the drain: %q", got)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}
