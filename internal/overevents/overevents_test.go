package overevents

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

var _ interface {
	http.ResponseWriter
	http.Flusher
	http.Hijacker
	io.ReaderFrom
	io.StringWriter
	CloseNotify() <-chan bool
} = (*Writer)(nil)

func request(tb testing.TB, method, path string, body io.Reader) *http.Request {
	tb.Helper()
	r, err := http.NewRequest(method, "http://example.test"+path, body)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// TestOverEventsEvents fixes which events an answer is made of.
func TestOverEventsEvents(t *testing.T) {
	const end = "body 0 more=false buffered=false"
	cases := []struct {
		name    string
		handler http.HandlerFunc
		want    []string
	}{
		{"nothing",
			func(http.ResponseWriter, *http.Request) {}, []string{"start 200 trailers=false", end}},
		{"little",
			say("hello"), []string{"start 200 trailers=false", "body 5 more=false buffered=false"}},
		{"much",
			say(strings.Repeat("x", 4000)),
			[]string{"start 200 trailers=false", "body 4000 more=true buffered=true", end}},
		{"flush", func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			io.WriteString(w, "one ")
			io.WriteString(w, "two")
			w.(http.Flusher).Flush()
			io.WriteString(w, "rest")
		}, []string{"start 200 trailers=false", "body 0 more=true buffered=false",
			"body 7 more=true buffered=false", "body 4 more=false buffered=false"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			conn, err := converse(t, c.handler, request(t, http.MethodGet, "/", nil))
			if err != nil || !slices.Equal(conn.events, c.want) {
				t.Errorf("got %q, %v, want %q", conn.events, err, c.want)
			}
		})
	}
}

// TestOverEventsLongBody: a write that is too long is refused, and all after it.
func TestOverEventsLongBody(t *testing.T) {
	var written []int
	var last error
	conn, err := converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "8")
		for _, part := range []string{"abcd", "ef", "ghij", "kl"} {
			n, err := io.WriteString(w, part)
			written, last = append(written, n), err
		}
	}), request(t, http.MethodGet, "/", nil))
	if !errors.Is(err, parley.ErrShortBody) || conn.got.Body != "abcdef" || !conn.got.Cut {
		t.Errorf("got %v, %v", conn.got, err)
	}
	if !slices.Equal(written, []int{4, 2, 0, 0}) || !errors.Is(last, http.ErrContentLength) {
		t.Errorf("wrote %v, last error %v", written, last)
	}
}

func TestOverEventsShortBody(t *testing.T) {
	conn, err := converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "8")
		io.WriteString(w, "abc")
	}), request(t, http.MethodGet, "/", nil))
	if !errors.Is(err, parley.ErrShortBody) || !conn.got.Cut || conn.got.Body != "abc" {
		t.Errorf("got %v, %v", conn.got, err)
	}
}

// TestOverEventsInvalidStatus: events have no status beyond 599, the conn's
// refusal is the result.
func TestOverEventsInvalidStatus(t *testing.T) {
	conn, err := converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(700)
	}), request(t, http.MethodGet, "/", nil))
	if !errors.Is(err, parley.ErrInvalidStatus) || conn.got.Status != 0 {
		t.Errorf("got %v, %v", conn.got, err)
	}
}

func TestOverEventsHeaderRepairs(t *testing.T) {
	conn, err := converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["content-length"] = []string{"7"}
		w.Header()["Content-Length"] = []string{"+2", "3"}
		w.Header()["X-Control"] = []string{"a\x00b\x7fc"}
		w.Header()["X:Odd"] = []string{"dropped"}
		w.Header().Set("Transfer-Encoding", "identity")
		io.WriteString(w, "ok")
	}), request(t, http.MethodGet, "/", nil))
	want := http.Header{"Content-Length": {"2"}, "X-Control": {"a b c"}}
	if err != nil || fmt.Sprint(conn.got.Header) != fmt.Sprint(want) {
		t.Errorf("got %v, %v, want %v", conn.got, err, want)
	}
}

// TestOverEventsPanics: the value of a panic reaches the adapter as it is.
func TestOverEventsPanics(t *testing.T) {
	for _, value := range []any{http.ErrAbortHandler, "boom"} {
		func() {
			defer func() {
				if recovered := recover(); recovered != value {
					t.Errorf("recovered %v, want %v", recovered, value)
				}
			}()
			scope, _ := scopeOf(t, request(t, http.MethodGet, "/", nil))
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "buffered")
				panic(value)
			})
			Serve(context.Background(), handler, scope, &refereeConn{})
		}()
	}
}

func TestOverEventsOtherProtocols(t *testing.T) {
	for _, protocol := range []parley.Protocol{parley.Lifespan, parley.Channel, "gopher"} {
		err := Serve(context.Background(), nil, &parley.Scope{Protocol: protocol}, nil)
		var unsupported *parley.UnsupportedProtocolError
		if !errors.As(err, &unsupported) || unsupported.Protocol != protocol {
			t.Errorf("%s: %v", protocol, err)
		}
	}
}

// TestOverEventsUnsupported: what events cannot do is refused, not forgotten.
func TestOverEventsUnsupported(t *testing.T) {
	var errs []error
	_, err := converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(http.Pusher); ok {
			t.Error("offers pushes")
		}
		controller := http.NewResponseController(w)
		_, _, hijack := controller.Hijack()
		errs = []error{
			hijack, controller.EnableFullDuplex(),
			controller.SetReadDeadline(noTime), controller.SetWriteDeadline(noTime),
		}
	}), request(t, http.MethodGet, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range errs {
		if !errors.Is(err, http.ErrNotSupported) || !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
	}
}

// TestOverEventsSuperfluous: the complaint goes where the server's go, and names
// the culprit, not net/http.
func TestOverEventsSuperfluous(t *testing.T) {
	var complaints bytes.Buffer
	server := &http.Server{ErrorLog: log.New(&complaints, "", 0)}
	ctx := context.WithValue(context.Background(), http.ServerContextKey, server)
	scope, _ := scopeOf(t, request(t, http.MethodGet, "/", nil))
	err := Serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		http.Error(w, "too late", http.StatusInternalServerError)
	}), scope, &refereeConn{})
	const complaint = "superfluous response.WriteHeader call from"
	if err != nil || !strings.Contains(complaints.String(), complaint) ||
		!strings.Contains(complaints.String(), "overevents_test.go") {
		t.Errorf("%v, %q", err, complaints.String())
	}
}

func TestWithoutRoot(t *testing.T) {
	cases := []struct{ root, target, path, raw string }{
		{"", "/a/b", "/a/b", ""},
		{"/", "/a/b", "/a/b", ""},
		{"/a", "/a/b?q=1", "/b", ""},
		{"/a", "/a", "/", ""},
		{"/a", "/ab/c", "/ab/c", ""},
		{"/a", "/a/x%2Fy", "/x/y", "/x%2Fy"},
		{"/ü", "/%C3%BC/z", "/z", ""},
	}
	for _, c := range cases {
		r := request(t, http.MethodGet, c.target, nil)
		before := *r.URL
		got := WithoutRoot(&parley.Scope{Protocol: parley.HTTP, RootPath: c.root, Request: r}, r)
		want := url.URL{Path: c.path, RawPath: c.raw}
		if got.URL.Path != want.Path || got.URL.RawPath != want.RawPath ||
			got.URL.RawQuery != before.RawQuery {
			t.Errorf("%s below %s: got %v, want %v", c.target, c.root, got.URL, want.String())
		}
		if *r.URL != before {
			t.Errorf("%s below %s: the original was changed to %v", c.target, c.root, r.URL)
		}
	}
}

// TestOverEventsAfterReturn: what was kept too long refuses.
func TestOverEventsAfterReturn(t *testing.T) {
	var w http.ResponseWriter
	var r *http.Request
	conn, err := converse(t, http.HandlerFunc(func(kept http.ResponseWriter, request *http.Request) {
		w, r = kept, request
	}), request(t, http.MethodPost, "/", strings.NewReader("unread")))
	sent := len(conn.events)
	w.Header().Set("X-Late", "1")
	w.WriteHeader(http.StatusTeapot)
	w.(http.Flusher).Flush()
	if _, err := w.Write([]byte("late")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("late write: %v", err)
	}
	n, copyErr := w.(io.ReaderFrom).ReadFrom(strings.NewReader("late"))
	if n != 0 || !errors.Is(copyErr, net.ErrClosed) {
		t.Errorf("late copy: %d, %v", n, copyErr)
	}
	<-w.(*Writer).CloseNotify()
	if _, err := r.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("late read: %v", err)
	}
	if err != nil || len(conn.events) != sent {
		t.Errorf("%v, sent after the end: %q", err, conn.events[sent:])
	}
}

// TestOverEventsLeftBehind: a goroutine that goes on writing while the answer is
// being finished gets its bytes in or an error, and does no harm.
func TestOverEventsLeftBehind(t *testing.T) {
	stopped := make(chan int, 1)
	conn, err := converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := make(chan struct{})
		go func() {
			taken := 0
			for i := range 5000 {
				n, _ := w.Write([]byte("x"))
				taken += n
				w.Header()
				if i == 0 {
					close(begun)
				}
			}
			stopped <- taken
		}()
		<-begun
	}), request(t, http.MethodGet, "/", nil))
	if taken := <-stopped; err != nil || len(conn.got.Body) != taken {
		t.Errorf("%d bytes taken, %d sent, %v", taken, len(conn.got.Body), err)
	}
}
