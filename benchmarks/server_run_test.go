//go:build unix

package benchmarks

import (
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// BenchmarkServerIdleSocket opens sockets that say nothing and reports what each costs
// in heap, stack and goroutines: through server.Run, and as the ratio to the carrier
// behind a plain http.Server in the same run.
func BenchmarkServerIdleSocket(b *testing.B) {
	const sockets = 2000
	for b.Loop() {
		size := map[string]float64{}
		for _, kind := range []string{"run", "plain"} {
			server := start(b, kind)
			memory, goroutines := server.ask("/memory"), server.ask("/goroutines")
			conns := server.dial(sockets)
			size[kind] = float64(server.ask("/memory")-memory) / sockets
			if kind == "run" {
				b.ReportMetric(float64(server.ask("/goroutines")-goroutines)/sockets, "goroutines/socket")
			}
			for _, conn := range conns {
				conn.Close()
			}
		}
		b.ReportMetric(size["run"], "B/socket")
		b.ReportMetric(size["run"]/size["plain"], "x-carrier")
	}
}

// dial opens sockets.
func (p *process) dial(count int) []*websocket.Conn {
	conns := make([]*websocket.Conn, 0, count)
	dialer := websocket.Dialer{ReadBufferSize: 512, WriteBufferSize: 512}
	for range count {
		conn, _, err := dialer.Dial("ws://"+p.addr+"/socket", nil)
		if err != nil {
			p.tb.Fatal(err)
		}
		conns = append(conns, conn)
	}
	return conns
}

// BenchmarkServerDrain has a process with 5000 sockets end, by a signal, and reports
// how long that takes beyond the five seconds of its wave, until its listener is
// closed and each client has its goodbye, and how many got none.
func BenchmarkServerDrain(b *testing.B) {
	const sockets, wave = 5000, 5 * time.Second
	for b.Loop() {
		server := start(b, "run")
		var restarted atomic.Int64
		var all sync.WaitGroup
		for _, conn := range server.dial(sockets) {
			all.Go(func() {
				defer conn.Close()
				_, _, err := conn.ReadMessage()
				if websocket.IsCloseError(err, websocket.CloseServiceRestart) {
					restarted.Add(1)
				}
			})
		}
		began := time.Now()
		server.signal(syscall.SIGTERM)
		all.Wait()
		server.wait()
		b.ReportMetric((time.Since(began) - wave).Seconds(), "s-beyond-wave")
		b.ReportMetric(float64(sockets-restarted.Load()), "without-goodbye")
	}
}
