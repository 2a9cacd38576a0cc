package servicetest_test

import (
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parleygo/parley/internal/servicetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRedisComesBack(t *testing.T) {
	redis := servicetest.StartRedis(t)
	redis.Must("SET", "key", "value")
	redis.Kill()
	if err := redis.Ping(); err == nil {
		t.Error("it answers after its death")
	}
	redis.Restart()
	if got := redis.Must("EXISTS", "key"); got != ":0" {
		t.Errorf("it kept something: %s", got)
	}
}

// TestFreePort: whoever was given a port can listen there, and nobody else is given it.
func TestFreePort(t *testing.T) {
	address := net.JoinHostPort("127.0.0.1", servicetest.FreePort(t))
	if claim, err := net.ListenPacket("udp", address); err == nil {
		claim.Close()
		t.Error("another could claim it")
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
}

// TestProcessOutlivesItsThread: a program ends with the test, and not with whatever thread
// has started it.
func TestProcessOutlivesItsThread(t *testing.T) {
	path := servicetest.Program(t, "sleep")
	var both sync.WaitGroup
	both.Add(2) // of which one may have the first thread, which never ends
	started := make(chan *servicetest.Process)
	for range 2 {
		go func() {
			runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
			both.Done()
			both.Wait()
			started <- servicetest.Start(t, path, "600")
		}()
	}
	first, second := <-started, <-started
	select {
	case <-first.Exited():
		t.Error("the first has ended")
	case <-second.Exited():
		t.Error("the second has ended")
	case <-time.After(100 * time.Millisecond):
	}
}

// TestProxy: cut, silent and healed, with a server that answers with what it is sent.
func TestProxy(t *testing.T) {
	proxy := servicetest.StartProxy(t, echo(t))
	first := dial(t, proxy)
	say(t, first, "1")

	proxy.Silence()
	if _, err := io.WriteString(first, "2"); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Error("something came through the silence")
	}
	proxy.Heal()
	want(t, first, "2")

	proxy.Cut()
	if n, err := first.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d after the cut", n)
	}
	if _, err := dial(t, proxy).Read(make([]byte, 1)); err == nil {
		t.Error("a new connection came through")
	}
	proxy.Heal()
	say(t, dial(t, proxy), "3")
	if got := proxy.Bytes(); got < 6 {
		t.Errorf("%d bytes", got)
	}
}

func echo(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(conn, conn); conn.Close() }()
		}
	}()
	return listener.Addr().String()
}

func dial(t *testing.T, proxy *servicetest.Proxy) net.Conn {
	conn, err := net.Dial("tcp", proxy.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func say(t *testing.T, conn net.Conn, word string) {
	t.Helper()
	if _, err := io.WriteString(conn, word); err != nil {
		t.Fatal(err)
	}
	want(t, conn, word)
}

func want(t *testing.T, conn net.Conn, word string) {
	t.Helper()
	got := make([]byte, len(word))
	conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != word {
		t.Fatalf("got %q, %v", got, err)
	}
	conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
}
