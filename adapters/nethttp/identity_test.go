package nethttp_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/parleygo/parley/adapters/internal/adaptertest"
)

// identityCase is somebody else's handler and what a client sends to it, as it
// goes over the wire. The connection ends after it.
type identityCase struct {
	name    string
	handler http.Handler
	request string
	then    string // what the client sends once it has the head of the answer
	want    string // a part of the answer: the case does what it says
}

func getting(path string, header ...string) string { return asking("GET", path, "", header...) }

// asking writes a request that asks for the connection to be closed.
func asking(method, path, body string, header ...string) string {
	header = append([]string{"Host: example.test", "Connection: close"}, header...)
	return method + " " + path + " HTTP/1.1\r\n" + strings.Join(header, "\r\n") + "\r\n\r\n" + body
}

func posting(path, body string, header ...string) string {
	return asking("POST", path, body, append(header, "Content-Length: "+length(body))...)
}

// TestIdentity sends the same bytes to handlers of the standard library as they
// are and behind a gateway: the same bytes come back, and the server logs the
// same lines.
func TestIdentity(t *testing.T) {
	for _, cases := range [][]identityCase{
		fileIdentity(t), wrapperIdentity(t), writerIdentity, requestIdentity, proxyIdentity(t), hijackIdentity,
	} {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				want, wantLog := observe(t, c.handler, c)
				if !strings.Contains(want, c.want) {
					t.Fatalf("net/http itself answers %q, want %q in it", want, c.want)
				}
				for _, shape := range nativeShapes {
					got, gotLog := observe(t, shape.wrap(c.handler), c)
					if got != want {
						t.Errorf("%s: got\n%q\nwant\n%q", shape.name, got, want)
					}
					if !slices.Equal(gotLog, wantLog) {
						t.Errorf("%s: logged %q, want %q", shape.name, gotLog, wantLog)
					}
				}
			})
		}
	}
}

func observe(t *testing.T, h http.Handler, c identityCase) (answer string, log []string) {
	t.Helper()
	server := adaptertest.New(t, h)
	server.Expect("http: ")
	server.Start()
	answer = server.Exchange(c.request, c.then)
	server.Close()
	return answer, server.Log()
}
