package middleware_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/parleygo/parley/middleware"
)

// bare is a writer that can do nothing beside, and tells nobody what is below.
type bare struct{ http.ResponseWriter }

// unwrapping is one of middleware that leaves the rest to http.ResponseController.
type unwrapping struct{ http.ResponseWriter }

func (w unwrapping) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// failing claims what the server below it cannot do.
type failing struct {
	http.ResponseWriter
	http.Flusher
	io.ReaderFrom
}

func (failing) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, http.ErrNotSupported
}

func hijacks(w http.ResponseWriter) error {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		conn.Close()
	}
	return err
}

func flushes(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() }

// TestAccessLogHandlerHead: what begins the answer is recorded as its status, what the
// server cannot do begins nothing, and an error is told.
func TestAccessLogHandlerHead(t *testing.T) {
	plain := func(w http.ResponseWriter) http.ResponseWriter { return w }
	bared := func(w http.ResponseWriter) http.ResponseWriter { return bare{w} }
	unwraps := func(w http.ResponseWriter) http.ResponseWriter { return unwrapping{w} }
	fails := func(w http.ResponseWriter) http.ResponseWriter {
		return failing{w, w.(http.Flusher), nil}
	}
	for _, test := range []struct {
		name   string
		http2  bool
		above  func(http.ResponseWriter) http.ResponseWriter
		begin  func(http.ResponseWriter) error
		err    error
		status int // recorded, where the handler says 418 afterwards
	}{
		{"flush", false, plain, flushes, nil, 200},
		{"flush", true, plain, flushes, nil, 200},
		{"flush, unwrapped", false, unwraps, flushes, nil, 200},
		{"flush, unwrapped", true, unwraps, flushes, nil, 200},
		{"flush, hidden", false, bared, flushes, http.ErrNotSupported, 418},
		{"flush, hidden", true, bared, flushes, http.ErrNotSupported, 418},
		{"hijack", false, plain, hijacks, nil, 101},
		{"hijack", true, plain, hijacks, http.ErrNotSupported, 418},
		{"hijack, unwrapped", false, unwraps, hijacks, nil, 101},
		{"hijack, unwrapped", true, unwraps, hijacks, http.ErrNotSupported, 418},
		{"hijack, hidden", false, bared, hijacks, http.ErrNotSupported, 418},
		{"hijack, claimed", false, fails, hijacks, http.ErrNotSupported, 418},
		{"hijack, claimed", true, fails, hijacks, http.ErrNotSupported, 418},
		{"flush, hijacked", false, plain, func(w http.ResponseWriter) error {
			return errors.Join(hijacks(w), flushes(w))
		}, http.ErrHijacked, 101},
	} {
		t.Run(test.name+map[bool]string{true: " over HTTP/2"}[test.http2], func(t *testing.T) {
			records := make(chan middleware.Access, 1)
			logging := middleware.AccessLogHandler(middleware.AccessLogOptions{
				Record: func(_ context.Context, a *middleware.Access) { records <- *a },
			})
			logged := logging(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if err := test.begin(w); !errors.Is(err, test.err) {
					t.Errorf("%v, want %v", err, test.err)
				}
				w.WriteHeader(http.StatusTeapot)
			}))
			serve(t, test.http2, func(w http.ResponseWriter, r *http.Request) {
				logged.ServeHTTP(test.above(w), r)
			})
			if a := <-records; a.Status != test.status {
				t.Errorf("recorded %d, want %d", a.Status, test.status)
			}
		})
	}
}

// TestAccessLogHandlerBelowWrappers: what asks a writer for its abilities finds them
// also where another wrapper stands above, and none that nobody has.
func TestAccessLogHandlerBelowWrappers(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for hidden, wrap := range map[bool]func(http.ResponseWriter) http.ResponseWriter{
			false: func(w http.ResponseWriter) http.ResponseWriter { return unwrapping{w} },
			true:  func(w http.ResponseWriter) http.ResponseWriter { return bare{w} },
		} {
			logging := middleware.AccessLogHandler(middleware.AccessLogOptions{
				Record: func(context.Context, *middleware.Access) {},
			})
			logged := logging(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, flushes := w.(http.Flusher)
				_, notifies := w.(interface{ CloseNotify() <-chan bool })
				_, hijacks := w.(http.Hijacker)
				if flushes == hidden || notifies == hidden || hijacks != (!hidden && !http2) {
					t.Errorf("HTTP/2 %v, hidden %v: %T", http2, hidden, w)
				}
			}))
			serve(t, http2, func(w http.ResponseWriter, r *http.Request) {
				logged.ServeHTTP(wrap(w), r)
			})
		}
	}
}

// serve serves one request to its end, whatever comes of it.
func serve(t *testing.T, http2 bool, handler http.HandlerFunc) {
	t.Helper()
	serveUntil(t, http2, handler, func(body io.Reader) { _, _ = io.Copy(io.Discard, body) })
}

// serveUntil serves one request to a client that leaves when read returns.
func serveUntil(t *testing.T, http2 bool, handler http.HandlerFunc, read func(io.Reader)) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = http2
	server.StartTLS()
	defer server.Close()
	response, err := server.Client().Get(server.URL)
	if err != nil {
		return // hijacked
	}
	if response.ProtoMajor == 2 != http2 {
		t.Errorf("served over %s", response.Proto)
	}
	read(response.Body)
	response.Body.Close()
}

// TestAccessLogHandlerTellsWhoIsGone: a flush tells that the client is, sooner or later:
// nobody goes on for ever.
func TestAccessLogHandlerTellsWhoIsGone(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		logging := middleware.AccessLogHandler(middleware.AccessLogOptions{
			Record: func(context.Context, *middleware.Access) {},
		})
		told := make(chan struct{})
		leaves := func(io.Reader) {}
		serveUntil(t, http2, logging(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			err := flushes(w) // the client has its answer, and leaves
			<-r.Context().Done()
			for err == nil { // for as long as the client takes to close, too
				io.WriteString(w, "more")
				err = flushes(w)
			}
			close(told)
		})).ServeHTTP, leaves)
		<-told
	}
}
