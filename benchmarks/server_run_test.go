//go:build unix

package benchmarks

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// BenchmarkServerRequests sends requests to a gin project, over connections that are
// kept, and reports the CPU time of the server's process per request: of server.Run,
// and as ratios, in the same run, to a plain http.Server with the same limits of time
// and to one that has none, which spends less on timers and waits for ever.
func BenchmarkServerRequests(b *testing.B) {
	const connections, round, least = 8, 1000, 30
	servers := []*askers{
		ask(b, "run:gin", connections), ask(b, "bounded:gin", connections), ask(b, "gin", connections)}
	for _, server := range servers {
		server.send(round) // warms up
	}
	cpu := make([]time.Duration, len(servers))
	requests := 0
	b.ResetTimer()
	for requests < max(b.N, least*connections*round) {
		for i, server := range servers {
			cpu[i] += server.send(round)
		}
		requests += connections * round
	}
	b.ReportMetric(float64(cpu[0].Nanoseconds())/float64(requests), "cpu-ns/request")
	b.ReportMetric(float64(cpu[0])/float64(cpu[1]), "x-plain")
	b.ReportMetric(float64(cpu[0])/float64(cpu[2]), "x-unbounded")
}

// askers are connections that send requests, each one behind the answer to the last.
type askers struct {
	server *process
	conns  []net.Conn
}

func ask(tb testing.TB, kind string, connections int) *askers {
	a := &askers{server: start(tb, kind)}
	for range connections {
		conn, err := net.Dial("tcp", a.server.addr)
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { conn.Close() })
		a.conns = append(a.conns, conn)
	}
	return a
}

// send has each connection send n requests and returns the CPU time that the server
// spent.
func (a *askers) send(n int) time.Duration {
	before := a.server.ask("/cpu")
	var all sync.WaitGroup
	for _, conn := range a.conns {
		all.Go(func() {
			answers := bufio.NewReader(conn)
			for range n {
				io.WriteString(conn, "GET /ping/world HTTP/1.1\r\nHost: a\r\n\r\n")
				answer, err := http.ReadResponse(answers, nil)
				if err != nil || answer.StatusCode != http.StatusOK {
					a.server.tb.Errorf("answered with %v, %v", answer, err)
					return
				}
				io.Copy(io.Discard, answer.Body)
			}
		})
	}
	all.Wait()
	return time.Duration(a.server.ask("/cpu") - before)
}

// BenchmarkServerIdleSocket opens sockets that say nothing and reports what each costs
// in heap, stack and goroutines: through server.Run, and as the ratio to the carrier
// behind a plain http.Server in the same run.
func BenchmarkServerIdleSocket(b *testing.B) {
	const sockets = 2000
	for b.Loop() {
		size := map[string]float64{}
		for _, kind := range []string{"run:echo", "echo"} {
			server := start(b, kind)
			memory, goroutines := server.ask("/memory"), server.ask("/goroutines")
			conns := server.dial(sockets)
			size[kind] = float64(server.ask("/memory")-memory) / sockets
			if kind == "run:echo" {
				b.ReportMetric(float64(server.ask("/goroutines")-goroutines)/sockets, "goroutines/socket")
			}
			for _, conn := range conns {
				conn.Close()
			}
		}
		b.ReportMetric(size["run:echo"], "B/socket")
		b.ReportMetric(size["run:echo"]/size["echo"], "x-carrier")
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
		server := start(b, "run:echo")
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
