package adaptertest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// Client is the client's end of a connection.
type Client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func newClient(t testing.TB, conn net.Conn) *Client {
	t.Cleanup(func() { conn.Close() })
	return &Client{Conn: conn, t: t, r: bufio.NewReader(conn)}
}

// Read reads what the server sent, behind what Response has read.
func (c *Client) Read(p []byte) (int, error) { return c.r.Read(p) }

// Say sends text. A server that is gone shows in what is read.
func (c *Client) Say(format string, args ...any) {
	fmt.Fprintf(c.Conn, format, args...)
}

// Response is one answer as a client sees it.
type Response struct {
	Status  int
	Header  http.Header
	Body    string
	Trailer http.Header
	Close   bool // it announces the end of the connection
	Cut     bool // the connection ended before the answer did
}

// Response reads one answer to a request with method, to its end.
func (c *Client) Response(method string) Response {
	c.t.Helper()
	head := c.Head(method)
	if head == nil {
		return Response{Cut: true}
	}
	defer head.Body.Close()
	body, err := io.ReadAll(head.Body)
	c.unlessTimeout(err)
	return Response{head.StatusCode, head.Header, string(body), head.Trailer, head.Close, err != nil}
}

// Head reads the head of an answer; its Body is still to come. It returns nil
// when the connection ends instead.
func (c *Client) Head(method string) *http.Response {
	c.t.Helper()
	head, err := http.ReadResponse(c.r, &http.Request{Method: method})
	c.unlessTimeout(err)
	if err != nil {
		return nil
	}
	return head
}

// RawHead reads the head of an answer as it is on the wire.
func (c *Client) RawHead() string {
	c.t.Helper()
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := c.r.ReadString('\n')
		c.unlessTimeout(err)
		head.WriteString(line)
		if err != nil {
			break
		}
	}
	return Comparable(head.String())
}

// Rest reads to the end of the connection and returns what came, without what
// two runs do not have in common.
func (c *Client) Rest() string {
	c.t.Helper()
	all, err := io.ReadAll(c.r)
	c.unlessTimeout(err)
	return Comparable(string(all))
}

func (c *Client) unlessTimeout(err error) {
	c.t.Helper()
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		c.t.Fatalf("the server fell silent: %v", err)
	}
}

var (
	dates      = regexp.MustCompile(`Date: [^\r]*\r\n`)
	boundaries = regexp.MustCompile(`[0-9a-f]{60}`) // of multipart/byteranges
)

// Comparable takes out of an answer what differs from run to run.
func Comparable(answer string) string {
	if strings.Contains(answer, "multipart/byteranges") {
		answer = boundaries.ReplaceAllString(answer, "BOUNDARY")
	}
	return dates.ReplaceAllString(answer, "")
}
