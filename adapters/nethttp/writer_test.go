package nethttp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/parleygo/parley/adapters/internal/adaptertest"
)

// bare is a writer that has only what it must.
type bare struct{ header http.Header }

func (w bare) Header() http.Header         { return w.header }
func (w bare) Write(p []byte) (int, error) { return len(p), nil }
func (w bare) WriteHeader(int)             {}

type flusher struct{}

func (flusher) Flush() {}

type hijacker struct{}

func (hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, nil }

type readerFrom struct{}

func (readerFrom) ReadFrom(io.Reader) (int64, error) { return 0, nil }

type pusher struct{}

func (pusher) Push(string, *http.PushOptions) error { return nil }

// optional lists the optional interfaces that w has.
func optional(w http.ResponseWriter) (list string) {
	_, flushes := w.(http.Flusher)
	_, flushesErrors := w.(interface{ FlushError() error })
	_, hijacks := w.(http.Hijacker)
	_, reads := w.(io.ReaderFrom)
	_, pushes := w.(http.Pusher)
	_, writesStrings := w.(io.StringWriter)
	_, unwraps := w.(interface{ Unwrap() http.ResponseWriter })
	return fmt.Sprintf("%T flush %t %t hijack %t readfrom %t push %t string %t unwrap %t",
		w, flushes, flushesErrors, hijacks, reads, pushes, writesStrings, unwraps)
}

// TestIdentityOfTheWriter gives a handler the very writer that the gateway got,
// with the optional interfaces it has and no others.
func TestIdentityOfTheWriter(t *testing.T) {
	b := bare{http.Header{}}
	writers := []http.ResponseWriter{
		b,
		struct {
			bare
			flusher
		}{bare: b},
		struct {
			bare
			hijacker
		}{bare: b},
		struct {
			bare
			flusher
			hijacker
			readerFrom
		}{bare: b},
		struct {
			bare
			flusher
			pusher
		}{bare: b},
		httptest.NewRecorder(),
	}
	for _, given := range writers {
		for _, shape := range nativeShapes {
			var got http.ResponseWriter
			h := shape.wrap(serve(func(w http.ResponseWriter, r *http.Request) { got = w }))
			h.ServeHTTP(given, httptest.NewRequest("GET", "/", nil))
			if optional(got) != optional(given) || !same(got, given) {
				t.Errorf("%s: the handler got %s, want %s", shape.name, optional(got), optional(given))
			}
		}
	}
}

// same compares writers, of which those with a map in them have a type of their
// own here.
func same(a, b http.ResponseWriter) bool {
	return fmt.Sprintf("%T %p", a, a.Header()) == fmt.Sprintf("%T %p", b, b.Header())
}

// TestIdentityOfTheServersWriter is the same over real connections, where HTTP/1
// hijacks and copies files and HTTP/2 pushes.
func TestIdentityOfTheServersWriter(t *testing.T) {
	told := serve(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Proto, " ", optional(w))
	})
	for _, http2 := range []bool{false, true} {
		want := fetch(t, told, http2)
		if !strings.Contains(want, fmt.Sprintf("push %t", http2)) ||
			!strings.Contains(want, fmt.Sprintf("hijack %t", !http2)) {
			t.Errorf("net/http's own writer is %s", want)
		}
		for _, shape := range nativeShapes {
			if got := fetch(t, shape.wrap(told), http2); got != want {
				t.Errorf("%s: the handler got %s, want %s", shape.name, got, want)
			}
		}
	}
}

// fetch asks a server for its page.
func fetch(t *testing.T, h http.Handler, http2 bool) string {
	t.Helper()
	server := adaptertest.New(t, h)
	if server.EnableHTTP2 = http2; http2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	defer server.Close()
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestIdentityOfSendfile copies a file through io.Copy: the server's ReaderFrom
// sees the file itself, which is what sendfile needs.
func TestIdentityOfSendfile(t *testing.T) {
	name := t.TempDir() + "/file"
	if err := os.WriteFile(name, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, shape := range nativeShapes {
		w := &sendfileWriter{bare: bare{http.Header{}}}
		shape.wrap(serve(func(w http.ResponseWriter, r *http.Request) {
			http.ServeFile(w, r, name)
		})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.from != "*io.LimitedReader of *os.File" {
			t.Errorf("%s: the server copies from %s", shape.name, w.from)
		}
	}
}

type sendfileWriter struct {
	bare
	from string
}

func (w *sendfileWriter) ReadFrom(r io.Reader) (int64, error) {
	w.from = fmt.Sprintf("%T", r)
	if limited, ok := r.(*io.LimitedReader); ok {
		w.from += fmt.Sprintf(" of %T", limited.R)
	}
	return io.Copy(io.Discard, r)
}

// TestNativeContext: what middleware put into the context reaches the handler,
// and the end of the request its context.
func TestNativeContext(t *testing.T) {
	var inner context.Context
	told := serve(func(w http.ResponseWriter, r *http.Request) {
		inner = r.Context()
		_, isServer := inner.Value(http.ServerContextKey).(*http.Server)
		fmt.Fprint(w, inner.Value(contextKey("user")), inner.Value(contextKey("request")), isServer)
	})
	server := adaptertest.Serve(t, nativeShapes[2].wrap(told))
	if got := server.Exchange(getting("/"), ""); !strings.HasSuffix(got, "\r\n\r\nada17true") {
		t.Errorf("got %q", got)
	}
	server.Close()
	if inner.Err() == nil {
		t.Error("the handler's context outlives its request")
	}
}
