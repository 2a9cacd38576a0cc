package thirdparty

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"reflect"
	"testing"

	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/browsertest"
	"github.com/parleygo/parley/router"
	"github.com/parleygo/parley/server"
)

// find returns the path of a program, without which the test is skipped, except where
// it must be there.
func find(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil && os.Getenv("PARLEY_REQUIRE_SERVICES") == "1" {
		t.Fatalf("%s is required here: %v", program, err)
	}
	if err != nil {
		t.Skipf("no %s to test with: %v", program, err)
	}
	return path
}

// visit is what a client says of one socket.
type visit struct {
	Opened bool
	Heard  []string
	Code   int
	Reason string
}

// visits are those of a client that opens a socket, says hello and then nothing, and of
// one that is turned away.
func visits(protocol string) []visit {
	return []visit{
		{true, []string{"blue over " + protocol, "hello"}, 4000, "empty"},
		{false, nil, 1006, ""},
	}
}

const pageOfVisits = `<!DOCTYPE html><title>visits</title><script type="module">
const visit = room => new Promise(done => {
	const seen = {Opened: false, Heard: null}
	const ws = new WebSocket("wss://" + location.host + "/rooms/" + room)
	ws.onopen = () => { seen.Opened = true; seen.Heard = [] }
	ws.onmessage = e => { seen.Heard.push(e.data); ws.send(seen.Heard.length == 1 ? "hello" : "") }
	ws.onclose = e => done({...seen, Code: e.code, Reason: e.reason})
})
const seen = [await visit("blue"), await visit("closed")]
await fetch("/report", {method: "POST", body: JSON.stringify(seen)})
</script>`

// serveTLS starts a server with sockets at /rooms/{room}, the page at / and where it
// sends its report.
func serveTLS(t *testing.T, reports chan<- []visit) (url string) {
	t.Helper()
	routes := new(router.URLs)
	routes.Handle("GET /rooms/{room}", speak)
	routes.Handle("GET /", nethttp.App(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, pageOfVisits)
	})))
	routes.Handle("POST /report", nethttp.App(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var seen []visit
		json.NewDecoder(r.Body).Decode(&seen)
		reports <- seen
	})))
	example := httptest.NewTLSServer(http.NotFoundHandler()) // has a certificate
	example.Close()
	s := server.New(routes, server.Options{
		Logger: slog.New(slog.DiscardHandler),
		Listeners: []server.Listener{{Addr: "127.0.0.1:0", TLS: &server.TLS{
			Config: &tls.Config{Certificates: example.TLS.Certificates}}}},
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return "https://" + s.Addr().String()
}

// TestChromiumOverHTTP2: where net/http lets WebSockets over HTTP/2 in, a page opens its sockets
// there.
func TestChromiumOverHTTP2(t *testing.T) {
	find(t, "chromium")
	if extended(t) {
		checkBrowser(t, "HTTP/2.0")
	}
}

// TestChromiumWithoutTheSwitch: otherwise it opens them over HTTP/1.1 by itself.
func TestChromiumWithoutTheSwitch(t *testing.T) {
	checkBrowser(t, "HTTP/1.1")
}

func checkBrowser(t *testing.T, protocol string) {
	reports := make(chan []visit, 1)
	url := serveTLS(t, reports)
	browser := browsertest.New(t, "--ignore-certificate-errors") // ours is nobody's
	browser.Open(browser.Person(), url)
	if got := <-reports; !reflect.DeepEqual(got, visits(protocol)) {
		t.Errorf("the browser saw %+v, want %+v", got, visits(protocol))
	}
}

// TestNodeOverHTTP2 speaks the protocol by hand, over Node's client for HTTP/2.
func TestNodeOverHTTP2(t *testing.T) {
	node := find(t, "node")
	if !extended(t) {
		return
	}
	url := serveTLS(t, nil)
	program := exec.Command(node, "testdata/http2_client.mjs", url)
	program.Stderr = os.Stderr
	output, err := program.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	var got []visit
	if err := json.NewDecoder(bytes.NewReader(output)).Decode(&got); err != nil {
		t.Fatalf("%v in %s", err, output)
	}
	want := visits("HTTP/2.0")
	want[1].Code = http.StatusTeapot // which a browser's page is not told
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the client saw %+v, want %+v", got, want)
	}
}
