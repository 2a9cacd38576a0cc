package thirdparty

import (
	"context"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/parleytest"
)

// TestConformanceOverHTTP2 runs the suite in a process of its own: net/http looks at
// the switch for extended CONNECT once, when it starts.
func TestConformanceOverHTTP2(t *testing.T) {
	if os.Getenv("PARLEY_TEST_HTTP2") == "" {
		child := exec.Command(os.Args[0], "-test.run=^TestConformanceOverHTTP2$", "-test.count=1")
		child.Env = append(os.Environ(), "PARLEY_TEST_HTTP2=1", "GODEBUG=http2xconnect=1")
		if output, err := child.CombinedOutput(); err != nil {
			t.Errorf("over HTTP/2: %v\n%s", err, output)
		}
		return
	}
	parleytest.Conform(t, parleytest.Live(func(app parley.App) http.Handler {
		return newTranslator(t, app)
	}))
}

// translator is a proxy whose clients speak HTTP/1.1, and its server HTTP/2.
type translator struct {
	gateway *nethttp.Gateway
	server  *httptest.Server
	client  *http2.Transport
}

func newTranslator(t *testing.T, app parley.App) *translator {
	p := &translator{gateway: nethttp.Handler(app)}
	p.server = httptest.NewUnstartedServer(p.gateway)
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.server.EnableHTTP2 = true
	p.server.StartTLS()
	p.client = &http2.Transport{TLSClientConfig: p.server.Client().Transport.(*http.Transport).TLSClientConfig}
	t.Cleanup(func() {
		p.client.CloseIdleConnections()
		p.server.CloseClientConnections()
		p.server.Close()
	})
	return p
}

func (p *translator) Drain(ctx context.Context) error { return p.gateway.Drain(ctx) }

func (p *translator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !translatable(r) {
		p.gateway.ServeHTTP(w, r)
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	defer context.AfterFunc(r.Context(), func() { p.leave(ctx, cancel) })()
	body, ours := io.Pipe()
	out, err := http.NewRequestWithContext(ctx, http.MethodConnect, p.server.URL+r.URL.Path, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	out.Host = r.Host
	out.Header = r.Header.Clone()
	for _, name := range []string{"Connection", "Upgrade", "Sec-Websocket-Key"} {
		delete(out.Header, name)
	}
	if origin, ok := strings.CutPrefix(r.Header.Get("Origin"), "http:"); ok {
		out.Header.Set("Origin", "https:"+origin) // of a page that came from there
	}
	out.Header[":protocol"] = []string{"websocket"}
	answer, err := p.client.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		relay(w, answer)
		return
	}
	pass(w, answer, ours)
}

// leave passes on that the client has left, once the server has heard of it at all.
func (p *translator) leave(ctx context.Context, cancel context.CancelFunc) {
	for p.gateway.Stats().Live == 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	cancel()
}

// translatable reports whether r is a handshake of HTTP/1.1 that is well formed as far as
// HTTP/2 has no say in it.
func translatable(r *http.Request) bool {
	return r.Method == http.MethodGet && r.ProtoAtLeast(1, 1) &&
		len(r.Header["Sec-Websocket-Key"]) == 1 &&
		r.Header.Get("Sec-Websocket-Key") == "dGhlIHNhbXBsZSBub25jZQ==" && r.ContentLength == 0 &&
		strings.EqualFold(r.Header.Get("Upgrade"), "websocket") &&
		strings.EqualFold(r.Header.Get("Connection"), "Upgrade")
}

// relay passes a denial on.
func relay(w http.ResponseWriter, answer *http.Response) {
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	if _, err := io.Copy(w, answer.Body); err != nil {
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// pass completes the client's handshake and passes bytes, both ways, until either side
// has gone.
func pass(w http.ResponseWriter, answer *http.Response, out *io.PipeWriter) {
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	header := answer.Header.Clone()
	for _, name := range []string{"Upgrade", "Connection", "Sec-Websocket-Accept"} {
		if _, there := header[name]; there {
			panic("over HTTP/2 the answer has the header " + name)
		}
	}
	header["Upgrade"], header["Connection"] = []string{"websocket"}, []string{"Upgrade"}
	header["Sec-Websocket-Accept"] = []string{"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n")
	header.Write(conn)
	io.WriteString(conn, "\r\n")
	go func() {
		io.Copy(out, buffered)
		out.CloseWithError(io.ErrUnexpectedEOF) // resets the stream
	}()
	io.Copy(conn, answer.Body)
}
