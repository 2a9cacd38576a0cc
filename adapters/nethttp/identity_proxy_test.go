package nethttp_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
)

// proxyIdentity is what httputil.ReverseProxy does in front of a backend that
// uses all there is.
func proxyIdentity(t *testing.T) []identityCase {
	proxy := proxyTo(t, adaptertest.Serve(t, backend))
	gone := proxyTo(t, adaptertest.Serve(t, panics(http.ErrAbortHandler)))
	gone.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
		w.WriteHeader(http.StatusBadGateway)
	}
	return []identityCase{
		{"ReverseProxy", proxy, posting("/plain", "body"), "", `backend got "body"`},
		{"ReverseProxy/early hints", proxy, getting("/hint"), "", "103 Early Hints"},
		{"ReverseProxy/trailers", proxy, getting("/trailers"), "",
			"0\r\nX-Late: 43\r\nX-Sum: 42\r\n\r\n"},
		{"ReverseProxy/cut", proxy, getting("/cut"), "", "4\r\npart\r\n"},
		{"ReverseProxy/backend gone", gone, getting("/"), "", "502 Bad Gateway"},
		{"ReverseProxy/WebSocket", proxy, getting("/socket", upgrade...), text("hi") + goodbye,
			"\x81\x02hi"},
	}
}

func proxyTo(t *testing.T, server *adaptertest.Server) *httputil.ReverseProxy {
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0), // it tells of backends that break off
	}
}

var backend = func() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("/plain", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "backend got %q", body)
	})
	m.HandleFunc("/hint", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Link", "</hint.css>")
		w.WriteHeader(http.StatusEarlyHints)
	})
	m.HandleFunc("/trailers", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "body")
		w.(http.Flusher).Flush()
		w.Header().Set("X-Sum", "42")
		w.Header().Set(http.TrailerPrefix+"X-Late", "43")
	})
	m.HandleFunc("/cut", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "part")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	m.Handle("/socket", gorillaEcho())
	return m
}()

// hijackIdentity is what WebSocket libraries do, which take the connection away
// from the server.
var hijackIdentity = []identityCase{
	{"gorilla", gorillaEcho(), getting("/", upgrade...), text("hi") + goodbye, "\x81\x02hi"},
	{"gorilla/subprotocol", subprotocolEcho, getting("/", upgrade...), goodbye,
		"Sec-WebSocket-Protocol: chat"},
}

var subprotocolEcho = serve(func(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{Subprotocols: []string{"chat"}}
	conn, err := upgrader.Upgrade(w, r, http.Header{"Set-Cookie": {"a=1", "b=2"}})
	if err != nil {
		return
	}
	defer conn.Close()
	for err == nil {
		_, _, err = conn.ReadMessage()
	}
})

// upgrade is what a handshake adds to a request.
var upgrade = []string{
	"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: chat",
}

// text is a client's text frame, masked with zeros.
func text(s string) string { return string([]byte{0x81, 0x80 | byte(len(s)), 0, 0, 0, 0}) + s }

const goodbye = "\x88\x82\x00\x00\x00\x00\x03\xe8"
