//go:build unix

package benchmarks

import (
	"testing"

	"github.com/gorilla/websocket"
)

// BenchmarkIdleSocket opens sockets that say nothing and reports what each costs
// its server in heap, stack and goroutines: the kit's, and melody's in the same
// run.
func BenchmarkIdleSocket(b *testing.B) {
	const sockets = 2000
	for b.Loop() {
		for _, kind := range []string{"kit", "melody"} {
			server := start(b, "echo/"+kind)
			memory, goroutines := server.ask("/memory"), server.ask("/goroutines")
			conns := make([]*websocket.Conn, 0, sockets)
			for range sockets {
				conn, _, err := websocket.DefaultDialer.Dial("ws://"+server.addr+"/socket", nil)
				if err != nil {
					b.Fatal(err)
				}
				conns = append(conns, conn)
			}
			b.ReportMetric(float64(server.ask("/memory")-memory)/sockets, kind+"-B/socket")
			b.ReportMetric(float64(server.ask("/goroutines")-goroutines)/sockets, kind+"-goroutines/socket")
			for _, conn := range conns {
				conn.Close()
			}
		}
	}
}
