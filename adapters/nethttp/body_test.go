package nethttp_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// persisting writes a request on a connection that is to live on.
func persisting(method, body string, header ...string) string {
	header = append([]string{"Host: example.test", "Content-Length: " + length(body)}, header...)
	return method + " / HTTP/1.1\r\n" + strings.Join(header, "\r\n") + "\r\n\r\n" + body
}

func chunked(chunks string, header ...string) string {
	header = append([]string{"Host: example.test", "Transfer-Encoding: chunked"}, header...)
	return "POST / HTTP/1.1\r\n" + strings.Join(header, "\r\n") + "\r\n\r\n" + chunks
}

type bodyCase struct {
	name    string
	app     parley.App
	request string
	want    []string // the answers, after which the connection ends
}

// bodyCases are requests to apps of events. The last answer of each announces the
// connection's end, asked to or not.
var bodyCases = []bodyCase{
	{"A3.request/fixed length", readThenAnswer, persisting("POST", "first") + posting("/", "second"),
		[]string{"200 first", "200 second"}},
	{"A3.request/chunked", readThenAnswer, chunked("3\r\nfir\r\n2\r\nst\r\n0\r\n\r\n") + posting("/",
		"second"), []string{"200 first", "200 second"}},
	{"unread/short", answerOnly, persisting("POST", "unread") + getting("/"),
		[]string{"200 answer", "200 answer"}},
	{"unread/chunked", answerOnly, chunked("3\r\nfir\r\n0\r\n\r\n") + getting("/"),
		[]string{"200 answer", "200 answer"}},
	{"unread/long", answerOnly, persisting("POST", strings.Repeat("x", 300<<10)),
		[]string{"200 answer"}},
	{"unread/streamed answer", streamed, persisting("POST", "unread"), []string{"200 one two"}},
	{"A4.continue/read", readThenAnswer, posting("/", "body", "Expect: 100-continue"),
		[]string{"100 ", "200 body"}},
	{"A4.continue/unread", answerOnly, persisting("POST", "body", "Expect: 100-continue"),
		[]string{"200 answer"}},
	{"H.max-body/by its length", readThenAnswer,
		"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n", []string{"413 Request Entity Too Large\n"}},
	{"H.max-body/by counting", readThenAnswer, chunked("b\r\n12345678901\r\n0\r\n\r\n"),
		[]string{"413 Request Entity Too Large\n"}},
	{"H.max-body/just fits", readThenAnswer,
		chunked("a\r\n1234567890\r\n0\r\n\r\n", "Connection: close"), []string{"200 1234567890"}},
	{"limit of middleware", parley.Chain(readThenAnswer,
		nethttp.Middleware(func(h http.Handler) http.Handler {
			return http.MaxBytesHandler(h, 3)
		})), persisting("POST", "four"), []string{"413 Request Entity Too Large\n"}},
	{"malformed chunks", readThenAnswer, chunked("not a size\r\n"), []string{"400 Bad Request\n"}},
	{"A4.head", answerOnly, asking("HEAD", "/", ""), []string{"200 "}},
	{"A4.bodiless/204", bodiless(204), persisting("GET", "") + getting("/"), []string{"204 ", "204 "}},
	{"A4.bodiless/304", bodiless(304), persisting("GET", "") + getting("/"), []string{"304 ", "304 "}},
	{"HTTP/1.0", readThenAnswer, "POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody",
		[]string{"200 body"}},
	{"HTTP/1.0/keep-alive", readThenAnswer,
		"POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nbody" + "GET / HTTP/1.0\r\n\r\n",
		[]string{"200 body", "200 "}},
	{"HTTP/1.0/streamed", streamed, "GET / HTTP/1.0\r\n\r\n", []string{"200 one two"}},
}

func TestBodies(t *testing.T) {
	for _, c := range bodyCases {
		t.Run(c.name, func(t *testing.T) {
			var options nethttp.Options
			if strings.HasPrefix(c.name, "H.max-body") {
				options.MaxBody = 10
			}
			client := adaptertest.Serve(t, gateway(c.app, options)).Dial()
			go client.Say("%s", c.request)
			method, _, _ := strings.Cut(c.request, " ")
			var last adaptertest.Response
			for i, want := range c.want {
				last = client.Response(method)
				if got := fmt.Sprintf("%d %s", last.Status, last.Body); got != want || last.Cut {
					t.Fatalf("answer %d is %q (cut: %t), want %q", i, got, last.Cut, want)
				}
			}
			if !last.Close {
				t.Errorf("the last answer does not announce the end: %+v", last)
			}
			if rest := client.Rest(); rest != "" {
				t.Errorf("behind the answers came %q", rest)
			}
		})
	}
}
