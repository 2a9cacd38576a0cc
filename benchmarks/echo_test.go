//go:build unix

package benchmarks

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// BenchmarkEcho sends messages to and fro over real sockets, one in flight on each,
// and reports the CPU time of the server's process per message: the kit's, and as
// ratios to melody's and raw gorilla's in the same run.
func BenchmarkEcho(b *testing.B) {
	for _, clients := range []int{16, 64} {
		for _, size := range []int{64, 1 << 10, 4 << 10, 16 << 10} {
			b.Run(fmt.Sprintf("clients=%d/size=%d", clients, size), func(b *testing.B) {
				benchmarkEcho(b, clients, size)
			})
		}
	}
}

func benchmarkEcho(b *testing.B, clients, size int) {
	kinds := []string{"kit", "melody", "gorilla"}
	var servers []*echoClients
	for _, kind := range kinds {
		servers = append(servers, newEchoClients(b, start(b, "echo/"+kind), clients, size))
	}
	cpu := make([]time.Duration, len(kinds))
	messages := 0
	b.ResetTimer()
	for messages < b.N {
		for i, server := range servers {
			cpu[i] += server.run(100)
		}
		messages += clients * 100
	}
	b.ReportMetric(float64(cpu[0].Nanoseconds())/float64(messages), "cpu-ns/msg")
	b.ReportMetric(float64(cpu[0])/float64(cpu[1]), "x-melody")
	b.ReportMetric(float64(cpu[0])/float64(cpu[2]), "x-gorilla")
}

type echoClients struct {
	server  *process
	conns   []*websocket.Conn
	message []byte
}

func newEchoClients(tb testing.TB, server *process, count, size int) *echoClients {
	clients := &echoClients{server: server, message: []byte(strings.Repeat("x", size))}
	dialer := websocket.Dialer{ReadBufferSize: 32 << 10, WriteBufferSize: 32 << 10}
	for range count {
		conn, _, err := dialer.Dial("ws://"+server.addr+"/socket", nil)
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { conn.Close() })
		clients.conns = append(clients.conns, conn)
	}
	return clients
}

// run has each client send and receive n messages and returns the CPU time that
// the server spent.
func (c *echoClients) run(n int) time.Duration {
	before := c.server.ask("/cpu")
	var all sync.WaitGroup
	for _, conn := range c.conns {
		all.Go(func() {
			for range n {
				if conn.WriteMessage(websocket.BinaryMessage, c.message) != nil {
					return
				}
				_, r, err := conn.NextReader()
				if err != nil {
					return
				}
				var scratch [8 << 10]byte
				for err == nil {
					_, err = r.Read(scratch[:])
				}
			}
		})
	}
	all.Wait()
	return time.Duration(c.server.ask("/cpu") - before)
}
