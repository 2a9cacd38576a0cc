package parleytest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"

	"github.com/parleygo/parley"
)

func (l live) HTTP(t testing.TB, app parley.App, script HTTPScript) HTTPSeen {
	conn := l.dial(t, l(app))
	header := http.Header{"Host": {conn.RemoteAddr().String()}}
	for name, values := range script.Header {
		header[name] = values
	}
	c := &liveClient{t: t, conn: conn, r: bufio.NewReader(conn), method: script.Method}
	if slices.ContainsFunc(script.Steps, Step.uploads) && header["Content-Length"] == nil {
		header["Transfer-Encoding"] = []string{"chunked"}
		c.chunked = true
	}
	writeHead(conn, script.Method, script.Target, script.Proto, header)
	for _, step := range script.Steps {
		c.act(step)
	}
	c.rest()
	c.seen.Body = string(c.body)
	return c.seen
}

// liveClient makes one HTTP request.
type liveClient struct {
	t       testing.TB
	conn    net.Conn
	r       *bufio.Reader
	method  string
	chunked bool // the request's body is
	seen    HTTPSeen
	answer  *http.Response // whose head was read
	body    []byte         // as far as it was read
	over    bool
}

func (c *liveClient) act(step Step) {
	switch step.Do {
	case ActSendBody:
		c.sendBody(step.Data)
	case ActEndBody:
		if c.chunked {
			io.WriteString(c.conn, "0\r\n\r\n")
		}
	case ActContinue:
		c.interim()
	case ActAwait:
		c.await()
	case ActVanish:
		c.conn.Close()
		c.seen.Truncated, c.over = true, true
	}
}

func (c *liveClient) sendBody(data string) {
	if c.chunked {
		data = fmt.Sprintf("%x\r\n%s\r\n", len(data), data)
	}
	io.WriteString(c.conn, data)
}

// interim reads one answer, which may turn out to be the final one.
func (c *liveClient) interim() {
	response, err := http.ReadResponse(c.r, &http.Request{Method: c.method})
	switch {
	case err != nil:
		c.seen.Truncated, c.over = true, true
	case response.StatusCode == http.StatusContinue:
		c.seen.Continued = true
	case response.StatusCode == http.StatusEarlyHints:
		c.seen.Hints = append(c.seen.Hints, response.Header["Link"]...)
	default:
		c.seen.Status, c.seen.Header, c.answer = response.StatusCode, response.Header, response
	}
}

// head reads up to the final answer's head.
func (c *liveClient) head() {
	for c.answer == nil && !c.over {
		c.interim()
	}
}

// await reads some of the body.
func (c *liveClient) await() {
	c.head()
	if c.over {
		return
	}
	buffer := make([]byte, 1024)
	n, err := c.answer.Body.Read(buffer)
	c.body = append(c.body, buffer[:n]...)
	c.ended(err)
}

// rest reads to the end.
func (c *liveClient) rest() {
	for c.head(); !c.over; {
		c.await()
	}
}

func (c *liveClient) ended(err error) {
	switch {
	case err == io.EOF:
		c.seen.Trailer, c.over = c.answer.Trailer, true
	case err != nil:
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			c.t.Errorf("parleytest: the response did not end within %v", Patience)
		}
		c.seen.Truncated, c.over = true, true
	}
}
