//go:build linux

package server

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// TestStraitened is no test: it is a process with few descriptors that
// TestOutOfDescriptors starts.
func TestStraitened(t *testing.T) {
	if os.Getenv("PARLEY_TEST_STRAITENED") == "" {
		t.Skip("not a child of TestOutOfDescriptors")
	}
	few := syscall.Rlimit{Cur: 64, Max: 64}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	app := nethttp.App(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "here") }))
	err := Run(t.Context(), app, Options{
		Addr: "127.0.0.1:0", HealthPath: "/healthz", ReadyPath: "/readyz",
		Serving: func(addr net.Addr) { fmt.Println("addr", addr) },
	})
	if err != nil {
		t.Error(err)
	}
}

// TestOutOfDescriptors: when clients have taken all descriptors of the process it
// says so once a second, goes on telling who asks that it is well, refuses others, and
// serves again when there are descriptors.
func TestOutOfDescriptors(t *testing.T) {
	child := exec.Command(os.Args[0], "-test.run=^TestStraitened$", "-test.count=1")
	child.Env = append(os.Environ(), "PARLEY_TEST_STRAITENED=1")
	log := new(strings.Builder)
	child.Stderr = log
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { child.Process.Kill() })
	var addr string
	if _, err := fmt.Fscanf(output, "addr %s\n", &addr); err != nil {
		t.Fatal(err)
	}
	s := serverAt(t, addr)
	crowd := occupy(t, addr, 100)
	for range 3 {
		for path, want := range map[string]string{
			"/healthz": "200 ok\n", "/readyz": "200 ready\n", "/": "503 Service Unavailable\n",
		} {
			if got := get(t, s, path); got != want {
				t.Errorf("%s: %q, want %q", path, got, want)
			}
		}
	}
	for _, conn := range crowd {
		conn.Close()
	}
	await(t, func() bool { return get(t, s, "/") == "200 here" })
	child.Process.Signal(syscall.SIGTERM)
	io.Copy(io.Discard, output)
	if err := child.Wait(); err != nil {
		t.Errorf("the process ended with %v\n%s", err, log)
	}
	lines := strings.Count(log.String(), "out of descriptors")
	if most := int(time.Since(began)/time.Second) + 1; lines < 1 || lines > most {
		t.Errorf("%d lines in the log, want 1 to %d\n%s", lines, most, log)
	}
}

// occupy opens connections that only stay.
func occupy(t *testing.T, addr string, n int) (crowd []net.Conn) {
	t.Helper()
	for range n {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		crowd = append(crowd, conn)
	}
	return crowd
}

// serverAt stands for a server in another process.
func serverAt(t *testing.T, addr string) *Server {
	t.Helper()
	at, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return &Server{places: []*place{{sockets: []net.Listener{elsewhere{addr: at}}}}}
}

type elsewhere struct {
	net.Listener
	addr net.Addr
}

func (e elsewhere) Addr() net.Addr { return e.addr }

// exhausted is a listener without a descriptor, but for those of a reserve.
type exhausted struct {
	net.Listener
	reserve *reserve
}

func (e *exhausted) Accept() (net.Conn, error) {
	if e.reserve.whole() || !hasClient(e.Listener) {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return e.Listener.Accept()
}

// whole reports whether nothing is lent.
func (r *reserve) whole() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lent == 0
}

func (e *exhausted) SyscallConn() (syscall.RawConn, error) {
	return e.Listener.(syscall.Conn).SyscallConn()
}

// TestOutOfDescriptorsBehindTLS: whoever is let in on a descriptor of the reserve
// shakes hands first, as ever.
func TestOutOfDescriptorsBehindTLS(t *testing.T) {
	a, folder := newAuthority(t), t.TempDir()
	a.write(t, folder, "server")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket := &exhausted{Listener: listener}
	options := quiet()
	options.HealthPath = "/healthz"
	options.Listeners = []Listener{{Socket: socket, TLS: &TLS{
		CertFile: folder + "/cert.pem", KeyFile: folder + "/key.pem"}}}
	s := New(parley.LifespanHooks{}, options)
	socket.reserve = &s.reserve
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true, DisableKeepAlives: true}}
	for path, want := range map[string]int{"/healthz": 200, "/": 503} {
		await(t, func() bool { return s.reserve.whole() })
		answer, err := client.Get("https://" + listener.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, answer.Status, want)
		}
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
