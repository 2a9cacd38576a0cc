package overevents

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley"
)

var noTime time.Time

// TestOverEventsWithoutExtensions: what the server did not announce is not
// sent, and nothing in the answer hints at it.
func TestOverEventsWithoutExtensions(t *testing.T) {
	file := tempFile(t, 5000)
	conn, err := converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Trailer", "X-Sum")
		w.(io.ReaderFrom).ReadFrom(file)
		w.Header().Set("X-Sum", "1")
	}), request(t, http.MethodGet, "/", nil))
	if err != nil || conn.got.Hints != nil || conn.got.Trailers != nil ||
		conn.got.Header["Trailer"] != nil || len(conn.got.Body) != 5000 {
		t.Errorf("got %v, %v", conn.got, err)
	}
	for _, event := range conn.events {
		if !strings.HasPrefix(event, "start") && !strings.HasPrefix(event, "body") {
			t.Errorf("sent %s", event)
		}
	}
}

// TestOverEventsLateTrailers: names first heard of when the answer is still in
// the buffer are sent. net/http loses them on HTTP/1 and sends them on HTTP/2.
func TestOverEventsLateTrailers(t *testing.T) {
	conn, err := converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "x")
		w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
	}), request(t, http.MethodGet, "/", nil), everyHTTPExtension...)
	if err != nil || conn.got.Trailers.Get("X-Sum") != "1" ||
		conn.got.Header.Get("Content-Length") != "" {
		t.Errorf("got %v, %v", conn.got, err)
	}
}

// TestOverEventsForbiddenTrailers: a client must know these before the body.
func TestOverEventsForbiddenTrailers(t *testing.T) {
	conn, err := converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Content-Type, If-Match, X-Sum,")
		w.(http.Flusher).Flush()
		for _, name := range []string{"Content-Type", "If-Match", "X-Sum"} {
			w.Header().Set(name, "late")
		}
	}), request(t, http.MethodGet, "/", nil), everyHTTPExtension...)
	if err != nil || len(conn.got.Trailers) != 1 || conn.got.Trailers.Get("X-Sum") != "late" {
		t.Errorf("got %v, %v", conn.got, err)
	}
}

// TestOverEventsZeroCopy: a file goes as a file, and is left where reading it
// would have left it.
func TestOverEventsZeroCopy(t *testing.T) {
	file := tempFile(t, 10_000)
	limited := &io.LimitedReader{R: file, N: 6000}
	var n int64
	conn, err := converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ = w.(io.ReaderFrom).ReadFrom(limited)
		io.WriteString(w, "|")
		if _, err := w.(io.ReaderFrom).ReadFrom(file); err != nil {
			t.Error(err)
		}
	}), request(t, http.MethodGet, "/", nil), everyHTTPExtension...)
	if err != nil || n != 6000 || limited.N != 0 || len(conn.got.Body) != 10_001 {
		t.Errorf("got %v, %v, copied %d, left %d", conn.got, err, n, limited.N)
	}
	want := []string{
		"start 200 trailers=true", "body 512 more=true buffered=true", "file 512+5488 more=true",
		"body 1 more=true buffered=true", "file 6000+4000 more=true",
		"body 0 more=false buffered=false", "http.response.trailers",
	}
	if !slices.Equal(conn.events, want) {
		t.Errorf("sent %q, want %q", conn.events, want)
	}
	if conn.got.Body[:6000]+conn.got.Body[6001:] != string(digits(10_000)) {
		t.Error("the contents were mixed up")
	}
}

// TestOverEventsZeroCopyBound: a file longer than the Content-Length is cut.
func TestOverEventsZeroCopyBound(t *testing.T) {
	file := tempFile(t, 10_000)
	var n int64
	var copied error
	conn, err := converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		n, copied = w.(io.ReaderFrom).ReadFrom(file)
	}), request(t, http.MethodGet, "/", nil), everyHTTPExtension...)
	if err != nil || n != 1000 || copied != http.ErrContentLength || len(conn.got.Body) != 1000 {
		t.Errorf("got %v, %v, copied %d, %v", conn.got, err, n, copied)
	}
}

// TestOverEventsZeroCopyHead: HEAD reads the file, as in net/http, and sends
// none of it.
func TestOverEventsZeroCopyHead(t *testing.T) {
	file := tempFile(t, 3000)
	conn, err := converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(io.ReaderFrom).ReadFrom(file)
	}), request(t, http.MethodHead, "/", nil), everyHTTPExtension...)
	want := []string{"start 200 trailers=false", "body 0 more=false buffered=false"}
	if err != nil || !slices.Equal(conn.events, want) {
		t.Errorf("sent %q, %v", conn.events, err)
	}
}

// TestOverEventsPipe: a file that is none on disk is copied.
func TestOverEventsPipe(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Skip("no pipes:", err)
	}
	defer reader.Close()
	go func() {
		defer writer.Close()
		writer.Write(digits(3000))
	}()
	conn, err := converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(io.ReaderFrom).ReadFrom(reader)
	}), request(t, http.MethodGet, "/", nil), parley.ExtensionZeroCopySend)
	if err != nil || conn.got.Body != string(digits(3000)) {
		t.Errorf("got %v, %v", conn.got, err)
	}
}

func digits(size int) []byte {
	return bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
}

func tempFile(t *testing.T, size int) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, digits(size), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}
