package socket

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

func browsers() *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = http.Header{
		"Connection":            {"Upgrade"},
		"Upgrade":               {"websocket"},
		"Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":     {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
	return r
}

// RFC 6455, section 4.2.1; RFC 9110, sections 5.6.1 and 7.8. What Check lets pass
// is upgraded.
func TestHandshakes(t *testing.T) {
	for _, row := range []struct {
		name, header string
		values       []string
		status       int // 0: upgraded
	}{
		{"plain", "X", nil, 0},
		{"among others", "Connection", []string{"keep-alive, Upgrade"}, 0},
		{"on lines of their own", "Connection", []string{"keep-alive", "upgrade"}, 0},
		{"empty elements", "Connection", []string{", Upgrade,"}, 0},
		{"more empty elements", "Connection", []string{"keep-alive, , Upgrade"}, 0},
		{"another protocol with a version", "Upgrade", []string{"h2c/2, WebSocket"}, 0},
		{"tabs", "Connection", []string{"\tUpgrade\t"}, 0},
		{"key with space around it", "Sec-Websocket-Key", []string{" dGhlIHNhbXBsZSBub25jZQ== "}, 0},
		{"no upgrade", "Upgrade", nil, 400},
		{"another protocol", "Upgrade", []string{"h2c"}, 400},
		{"another version", "Upgrade", []string{"websocket/14"}, 400},
		{"protocol malformed", "Upgrade", []string{"websocket, a b"}, 400},
		{"version malformed", "Upgrade", []string{"websocket, h2c/"}, 400},
		{"parameter", "Connection", []string{"Upgrade, keep-alive;q=1"}, 400},
		{"quoted", "Connection", []string{`"Upgrade"`}, 400},
		{"part of a token", "Connection", []string{"Upgraded"}, 400},
		{"no connection", "Connection", nil, 400},
		{"no version", "Sec-Websocket-Version", nil, 426},
		{"old version", "Sec-Websocket-Version", []string{"8"}, 426},
		{"two versions", "Sec-Websocket-Version", []string{"13", "13"}, 426},
		{"no key", "Sec-Websocket-Key", nil, 400},
		{"two keys", "Sec-Websocket-Key",
			[]string{"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="}, 400},
		{"short key", "Sec-Websocket-Key", []string{"AAAA"}, 400},
		{"key not base64", "Sec-Websocket-Key", []string{"dGhlIHNhbXBsZSBub25jZ!=="}, 400},
		{"subprotocols", "Sec-Websocket-Protocol", []string{"chat, superchat", "v1"}, 0},
		{"subprotocols and empty elements", "Sec-Websocket-Protocol", []string{"chat,, superchat, "}, 0},
		{"the same subprotocol twice", "Sec-Websocket-Protocol", []string{"chat", "chat"}, 400},
		{"subprotocol malformed", "Sec-Websocket-Protocol", []string{"a b"}, 400},
		{"subprotocol empty", "Sec-Websocket-Protocol", []string{""}, 400},
		{"subprotocols of empty elements", "Sec-Websocket-Protocol", []string{" , "}, 400},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := browsers()
			delete(r.Header, row.header)
			if row.values != nil {
				r.Header[row.header] = row.values
			}
			if bad := Check(r); row.status != 0 {
				if bad == nil || bad.Status != row.status {
					t.Errorf("checked as %v, want %d", bad, row.status)
				}
				return
			} else if bad != nil {
				t.Fatal(bad)
			}
			response := upgradeOverPipe(t, r, http.Header{}, parley.SocketOptions{})
			if got := response.Header.Get("Sec-Websocket-Accept"); response.StatusCode != 101 ||
				got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
				t.Errorf("answered with %s, accept %q", response.Status, got)
			}
		})
	}
}

func TestHandshakesOfOtherKinds(t *testing.T) {
	for name, row := range map[string]struct {
		change  func(r *http.Request)
		status  int
		upgrade string // the header of the answer
	}{
		"POST":     {func(r *http.Request) { r.Method = "POST" }, 405, ""},
		"body":     {func(r *http.Request) { r.ContentLength = 1 }, 400, ""},
		"chunked":  {func(r *http.Request) { r.TransferEncoding = []string{"chunked"} }, 400, ""},
		"HTTP/1.0": {func(r *http.Request) { r.ProtoMinor = 0 }, 426, "websocket"},
		"HTTP/2":   {func(r *http.Request) { r.ProtoMajor, r.ProtoMinor = 2, 0 }, 426, ""},
	} {
		r := browsers()
		row.change(r)
		if bad := Check(r); bad == nil || bad.Status != row.status ||
			bad.Header.Get("Upgrade") != row.upgrade {
			t.Errorf("%s: %+v", name, bad)
		}
	}
}

func TestRequested(t *testing.T) {
	for name, row := range map[string]struct {
		header http.Header
		want   bool
	}{
		"browser's":     {browsers().Header, true},
		"key only":      {http.Header{"Sec-Websocket-Key": {""}}, true},
		"upgrade only":  {http.Header{"Upgrade": {"WebSocket"}}, true},
		"malformed":     {http.Header{"Upgrade": {"a b, websocket"}}, true},
		"other upgrade": {http.Header{"Upgrade": {"h2c"}}, false},
		"none":          {http.Header{"Connection": {"Upgrade"}}, false},
	} {
		if got := Requested(&http.Request{Header: row.header}); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// hijacker is a response writer with a connection to give away.
type hijacker struct {
	http.ResponseWriter
	hijack func() (net.Conn, *bufio.ReadWriter, error)
}

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) { return h.hijack() }

// upgradeOverPipe upgrades in memory and returns the answer.
func upgradeOverPipe(
	t *testing.T, r *http.Request, header http.Header, options parley.SocketOptions,
) *http.Response {
	t.Helper()
	server, client := net.Pipe()
	defer client.Close()
	answer := make(chan *http.Response, 1)
	go func() {
		response, err := http.ReadResponse(bufio.NewReader(client), r)
		if err != nil {
			t.Error(err)
		}
		answer <- response
	}()
	w := hijacker{httptest.NewRecorder(), func() (net.Conn, *bufio.ReadWriter, error) {
		return server, nil, nil
	}}
	c, err := NewUpgrader(options).Upgrade(w, r, header)
	if err != nil {
		t.Fatal(err)
	}
	defer c.net.Close()
	return <-answer
}

// What middleware has set for an answer with a body does not spoil the handshake.
func TestHeadersOfAnAnswer(t *testing.T) {
	response := upgradeOverPipe(t, browsers(), http.Header{
		"Upgrade": {"h2c"}, "connection": {"close"}, "Content-Length": {"7"},
		"Transfer-Encoding": {"chunked"},
		"Trailer":           {"X"}, "Sec-Websocket-Accept": {"x"}, "Sec-WebSocket-Extensions": {"x"},
		"X-A\r\nX-B": {"1"}, "": {"1"}, "X-A": {"1\r\nX-C: 2", "2"}, "Set-Cookie": {"a=b"},
	}, parley.SocketOptions{})
	want := http.Header{
		"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Set-Cookie": {"a=b"},
		"Sec-Websocket-Accept": {"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}, "X-A": {"1  X-C: 2", "2"},
	}
	for name := range want {
		if strings.Join(response.Header[name], "|") != strings.Join(want[name], "|") {
			t.Errorf("%s: %q", name, response.Header[name])
		}
	}
	if len(response.Header) != len(want) {
		t.Errorf("the answer's header is %v", response.Header)
	}
}

// failingConn is a connection on which writing fails in some way.
type failingConn struct {
	net.Conn
	write func() (int, error)
}

func (c failingConn) Write([]byte) (int, error) { return c.write() }

// Whatever a response writer does instead of giving its connection away is an
// error: one that says whether there is still somebody to answer.
func TestWritersThatCannotUpgrade(t *testing.T) {
	server, client := net.Pipe()
	client.Close()
	type hijack = func() (net.Conn, *bufio.ReadWriter, error)
	gives := func(conn net.Conn, err error) hijack {
		return func() (net.Conn, *bufio.ReadWriter, error) { return conn, nil, err }
	}
	for name, row := range map[string]struct {
		hijack hijack
		gone   bool
		is     error
	}{
		"panics": {
			func() (net.Conn, *bufio.ReadWriter, error) { panic("no") }, false, parley.ErrAppPanic,
		},
		"gives nothing": {gives(nil, nil), false, errNoConnection},
		"refuses":       {gives(nil, http.ErrNotSupported), false, http.ErrNotSupported},
		"is gone":       {gives(server, nil), true, nil},
		"breaks": {
			gives(failingConn{server, func() (int, error) { panic("no") }}, nil), true, parley.ErrAppPanic,
		},
		"cannot write": {
			gives(failingConn{server, func() (int, error) { return 0, io.ErrShortWrite }}, nil),
			true, io.ErrShortWrite,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := hijacker{httptest.NewRecorder(), row.hijack}
			c, err := NewUpgrader(parley.SocketOptions{}).Upgrade(w, browsers(), http.Header{})
			if c != nil || err == nil || errors.Is(err, parley.ErrDisconnected) != row.gone {
				t.Errorf("Upgrade: %v, %v", c, err)
			}
			if row.is != nil && !errors.Is(err, row.is) {
				t.Errorf("Upgrade: %v, want %v", err, row.is)
			}
		})
	}
}
