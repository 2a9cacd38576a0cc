package nethttp

import (
	"io"
	"net/http"
	"time"

	"github.com/parleygo/parley/internal/protocol"
)

// endChunks ends an answer that is complete and has no length, where the app has ended
// its goroutine: net/http would have ended it when the app returns, and cuts it now.
func (c *httpConn) endChunks() {
	told := len(c.w.Header()["Content-Length"]) > 0 || c.out.trailers || c.out.order.Bodiless()
	chunked := c.r.ProtoMajor == 1 && c.r.ProtoAtLeast(1, 1)
	if told || !chunked || c.out.order.Finish() != protocol.HTTPDone ||
		http.NewResponseController(c.w).Flush() != nil { // nothing may have come that far
		return
	}
	hijacker, ok := innermost(c.w).(http.Hijacker)
	if !ok {
		return
	}
	if conn, _, err := hijacker.Hijack(); err == nil {
		conn.SetWriteDeadline(time.Now().Add(lastWords))
		io.WriteString(conn, "0\r\n\r\n")
		conn.Close()
	}
}
