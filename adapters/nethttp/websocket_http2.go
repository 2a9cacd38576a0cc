package nethttp

import "net/http"

// asUpgrade returns a handshake of HTTP/2 (RFC 8441) as apps, routers and middleware
// know handshakes: a GET. On the wire it is a CONNECT with a pseudo-header.
func asUpgrade(r *http.Request) *http.Request {
	r = r.WithContext(r.Context())
	r.Method = http.MethodGet
	r.Header = r.Header.Clone()
	delete(r.Header, ":protocol")
	return r
}

// pump stays for as long as a socket over HTTP/2 lives, on the goroutine of its
// request: the stream is given up when that returns.
func (c *webSocketConn) pump() {
	c.mu.Lock()
	sock := c.socket
	c.mu.Unlock()
	if sock != nil {
		sock.Serve()
	}
}
