package overevents

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"reflect"
	"testing"
)

// parityCase is a handler and the request it is asked with, which is a GET of
// "/" unless said otherwise.
type parityCase struct {
	name    string
	handler http.HandlerFunc
	request func(base string) *http.Request
}

// TestOverEventsParity asks every handler twice, behind net/http's own server
// and over events: a client must not be able to tell which.
func TestOverEventsParity(t *testing.T) {
	quiet(t)
	for _, cases := range [][]parityCase{
		headCases, bodyCases, bodilessCases, trailerCases, failureCases, requestCases,
		fileCases(t), libraryCases(t),
	} {
		for _, c := range cases {
			if c.request == nil {
				c.request = get("/")
			}
			t.Run(c.name, func(t *testing.T) {
				want := overNetHTTP(t, c.handler, c.request)
				conn, err := converse(t, c.handler, c.request("http://example.test"), everyHTTPExtension...)
				got := conn.got.comparable()
				if !reflect.DeepEqual(got, want) {
					t.Errorf("over events (result %v, events %q)\n got %v\nwant %v", err, conn.events, got, want)
				}
			})
		}
	}
}

// overNetHTTP asks a real server.
func overNetHTTP(t *testing.T, h http.Handler, request func(base string) *http.Request) clientView {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	defer server.Close()
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()

	var got clientView
	r := request(server.URL)
	r = r.WithContext(httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, header textproto.MIMEHeader) error {
			got.Hints = append(got.Hints, header["Link"]...)
			return nil
		},
	}))
	resp, err := transport.RoundTrip(r)
	if err != nil {
		got.Cut = true
		return got
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	got.Status, got.Header, got.Trailers = resp.StatusCode, resp.Header, resp.Trailer
	got.Body, got.Cut = string(body), err != nil
	return got.comparable()
}

// quiet keeps what handlers are told off for out of the test's output.
func quiet(t *testing.T) {
	before := log.Writer()
	log.SetOutput(io.Discard)
	t.Cleanup(func() { log.SetOutput(before) })
}

func get(path string, header ...string) func(base string) *http.Request {
	return ask(http.MethodGet, path, nil, header...)
}

func ask(
	method, path string, body func() io.Reader, header ...string,
) func(base string) *http.Request {
	return func(base string) *http.Request {
		var content io.Reader
		if body != nil {
			content = body()
		}
		r, err := http.NewRequest(method, base+path, content)
		if err != nil {
			panic(err)
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		return r
	}
}
