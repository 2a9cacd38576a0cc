//go:build linux || darwin

package server

import (
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/parleygo/parley/adapters/nethttp"
)

// TestBurst has as many clients come at once as there are descriptors for, up to ten
// thousand. All are answered, and when they have gone nothing of them is left.
func TestBurst(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	clients := min(10_000, (raiseDescriptors(2*10_000+500)-500)/2)
	s := New(nethttp.App(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "here")
	})), quiet())
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := footprint()
	conns := make([]net.Conn, clients)
	var next, answered atomic.Int64
	var work sync.WaitGroup
	for range 64 {
		work.Go(func() {
			for i := next.Add(1) - 1; i < int64(clients); i = next.Add(1) - 1 {
				if conns[i] = greet(t, s); conns[i] != nil {
					answered.Add(1)
				}
			}
		})
	}
	work.Wait()
	if got := answered.Load(); got != int64(clients) {
		t.Errorf("%d of %d clients were answered", got, clients)
	}
	t.Logf("%d clients, %d KiB each", clients, (footprint()-before)/clients/1024)
	for _, conn := range conns {
		if conn != nil {
			conn.Close()
		}
	}
	clear(conns)
	await(t, func() bool { return s.conns.open.Load() == 0 })
	// Goroutines end a little later, and the runtime keeps what it knows each by.
	left := before + 8<<20 + clients<<10
	await(t, func() bool { return footprint() <= left })
	if got := get(t, s, "/"); got != "200 here" {
		t.Errorf("afterwards: %q", got)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// raiseDescriptors asks for a limit and returns what there is.
func raiseDescriptors(wanted uint64) int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 1000
	}
	if limit.Cur < wanted {
		raised := syscall.Rlimit{Cur: wanted, Max: max(wanted, limit.Max)}
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
			return int(wanted)
		}
	}
	return int(min(limit.Cur, 1<<20))
}

// footprint is how much memory is in use: that of stacks, too, and not what is free
// between objects.
func footprint() int {
	runtime.GC()
	runtime.GC() // what pools hold
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// greet connects and is answered. It returns nil, with an error to the test, if not.
func greet(t *testing.T, s *Server) net.Conn {
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Error(err)
		return nil
	}
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	answer := make([]byte, 200)
	n, err := conn.Read(answer)
	if err != nil || !strings.HasPrefix(string(answer[:n]), "HTTP/1.1 200") {
		t.Errorf("answered %q, %v", answer[:n], err)
		conn.Close()
		return nil
	}
	return conn
}
