//go:build unix

package benchmarks

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// audience is a server process and its clients, which count what they hear.
type audience struct {
	*process
	conns     []net.Conn
	all       sync.WaitGroup
	heard     atomic.Int64
	disorder  atomic.Int64
	latencies []atomic.Int64 // ns, of the last deliveries, in a ring
	slot      atomic.Int64
}

func gather(tb testing.TB, kind string, count int) *audience {
	a := &audience{process: start(tb, kind), latencies: make([]atomic.Int64, 1<<20)}
	for range count {
		conn, err := net.Dial("tcp", a.addr)
		if err != nil {
			tb.Fatal(err)
		}
		a.conns = append(a.conns, conn)
		a.handshake(conn, kind)
	}
	tb.Cleanup(a.leave)
	a.until(func() bool { return a.ask("/members") >= int64(count) })
	return a
}

// leave closes the clients.
func (a *audience) leave() {
	for _, conn := range a.conns {
		conn.Close()
	}
	a.all.Wait()
}

func (a *audience) handshake(conn net.Conn, kind string) {
	fmt.Fprintf(conn, "GET /socket HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", a.addr)
	// centrifuge refuses clients that speak before its answer has come.
	head := make([]byte, 1)
	for seen := ""; !strings.HasSuffix(seen, "\r\n\r\n"); seen += string(head) {
		if _, err := io.ReadFull(conn, head); err != nil {
			a.tb.Fatal(err)
		}
	}
	if kind == "centrifuge" {
		command := `{"id":1,"connect":{}}`
		frame := append([]byte{0x81, 0x80 | byte(len(command)), 0, 0, 0, 0}, command...) // masked with zeros
		conn.Write(frame)
	}
	a.all.Go(func() { a.listen(conn) })
}

// listen counts messages by their marks, however they are framed. It looks into
// the first and the last of what one read brings: looking into each would cost
// more than the server's work.
func (a *audience) listen(conn net.Conn) {
	const mark = 1 + 8 + 19 // "@", number, time
	buffer := make([]byte, 64<<10)
	held, next := 0, 0
	for {
		n, err := conn.Read(buffer[held:])
		if err != nil {
			return
		}
		now := time.Now().UnixNano()
		b := buffer[:held+n]
		last := bytes.LastIndexByte(b, '@')
		if last >= 0 && len(b)-last < mark {
			held = len(b) - last
			b, last = b[:last], bytes.LastIndexByte(b[:last], '@')
		} else {
			held = 0
		}
		if last >= 0 {
			a.count(b, last, &next, now)
		}
		copy(buffer, buffer[len(b):len(b)+held])
	}
}

// count accounts for the messages in b, the last of which begins at last.
func (a *audience) count(b []byte, last int, next *int, now int64) {
	count := bytes.Count(b, []byte("@"))
	first := bytes.IndexByte(b, '@')
	from, sent := stamp(b[first:])
	to, _ := stamp(b[last:])
	if from != *next && from != 0 || to != from+count-1 {
		a.disorder.Add(1)
	}
	*next = to + 1
	a.latencies[a.slot.Add(1)%int64(len(a.latencies))].Store(now - sent)
	a.heard.Add(int64(count))
}

// stamp reads a message's number and time.
func stamp(b []byte) (number int, sent int64) {
	number, _ = strconv.Atoi(string(b[1:9]))
	sent, _ = strconv.ParseInt(string(b[9:28]), 10, 64)
	return number, sent
}

func (a *audience) until(done func() bool) {
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			a.tb.Fatal("the server does not know of all its clients")
		}
	}
}

// publish has the server publish count messages and waits until all have come, or
// none has for a second. It returns what came and how long that took.
func (a *audience) publish(count, size int) (heard int64, took time.Duration) {
	before, start := a.heard.Load(), time.Now()
	want := before + int64(count*len(a.conns))
	last, lastAt := before, start
	var published sync.WaitGroup
	published.Go(func() { a.ask(fmt.Sprintf("/publish?count=%d&size=%d", count, size)) })
	for last < want && time.Since(lastAt) < 3*time.Second {
		time.Sleep(200 * time.Microsecond)
		if now := a.heard.Load(); now != last {
			last, lastAt = now, time.Now()
		}
	}
	published.Wait()
	return last - before, lastAt.Sub(start)
}
