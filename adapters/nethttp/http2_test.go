package nethttp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"reflect"
	"strings"
	"testing"

	"github.com/parleygo/parley/adapters/internal/adaptertest"
)

// clientView is what an http.Client sees of an answer.
type clientView struct {
	Proto   string
	Status  int
	Header  http.Header
	Hints   []string
	Body    string
	Trailer http.Header
	Cut     bool
}

// view asks a server over HTTP/1 or HTTP/2.
func view(t *testing.T, h http.Handler, http2 bool, method, body string) clientView {
	t.Helper()
	server := adaptertest.New(t, h)
	server.Expect("http: panic serving")
	server.Expect("http2: panic serving")
	if server.EnableHTTP2 = http2; http2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	defer server.Close()

	var seen clientView
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		Got1xxResponse: func(status int, header textproto.MIMEHeader) error {
			seen.Hints = append(seen.Hints, header["Link"]...)
			return nil
		},
	})
	r, err := http.NewRequestWithContext(ctx, method, server.URL+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("TE", "trailers")
	response, err := server.Client().Transport.RoundTrip(r)
	if err != nil {
		seen.Cut = true
		return seen
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	response.Header.Del("Date")
	return clientView{
		response.Proto, response.StatusCode, response.Header, seen.Hints, string(content), response.Trailer, err != nil,
	}
}

// everywhereCases are handlers that a client must find the same behind every
// shape, over events too.
var everywhereCases = []struct {
	name         string
	handler      http.Handler
	method, body string
}{
	{"small", greet, "GET", ""},
	{"HEAD", greet, "HEAD", ""},
	{"large", serve(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat("large ", 50_000))
	}), "GET", ""},
	{"upload", echoBody, "POST", strings.Repeat("upload", 50_000)},
	{"unread upload", greet, "POST", strings.Repeat("upload", 1_000)},
	{"over a limit", http.MaxBytesHandler(echoBody, 10), "POST", "more than ten bytes"},
	{"early hints", serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "page")
	}), "GET", ""},
	{"trailers", serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "body")
		w.(http.Flusher).Flush()
		w.Header().Set("X-Sum", "42")
		w.Header().Set(http.TrailerPrefix+"X-Late", "43")
	}), "GET", ""},
	{"redirect", http.RedirectHandler("/elsewhere", http.StatusSeeOther), "GET", ""},
	{"no content", serve(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}), "GET", ""},
	{"abort", panics(http.ErrAbortHandler), "GET", ""},
	{"abort in the middle", serve(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "part")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}), "GET", ""},
	{"read and answered in turns", serve(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex() // HTTP/1 needs it
		buffer := make([]byte, 3)
		for {
			n, err := io.ReadFull(r.Body, buffer)
			fmt.Fprintf(w, "[%s]", buffer[:n])
			if err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
	}), "POST", "one two three"},
}

// TestEverywhereTheSame asks over HTTP/1 and HTTP/2.
func TestEverywhereTheSame(t *testing.T) {
	for _, c := range everywhereCases {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/http2=%t", c.name, http2), func(t *testing.T) {
				want := view(t, c.handler, http2, c.method, c.body)
				for _, shape := range append(nativeShapes[:len(nativeShapes):len(nativeShapes)], eventShape) {
					got := view(t, shape.wrap(c.handler), http2, c.method, c.body)
					if !reflect.DeepEqual(got, want) {
						t.Errorf("%s: got\n%+v\nwant\n%+v", shape.name, got, want)
					}
				}
			})
		}
	}
}
