package nethttp_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var modified = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

func length(body string) string { return strconv.Itoa(len(body)) }

// someFiles makes a folder to serve.
func someFiles(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range map[string]string{
		"small.txt":       "a small file",
		"large.bin":       strings.Repeat("0123456789abcdef", 6_250),
		"page/index.html": "<p>page",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// fileIdentity is what http.FileServer and http.ServeContent do.
func fileIdentity(t *testing.T) []identityCase {
	dir := someFiles(t)
	files := http.FileServer(http.Dir(dir))
	content := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"v1"`)
		http.ServeContent(w, r, "page.html", modified, strings.NewReader("<p>from memory"))
	})
	copied := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, err := os.Open(filepath.Join(dir, "large.bin"))
		if err != nil {
			panic(err)
		}
		defer file.Close()
		io.CopyN(w, file, 70_000)
		io.Copy(w, file)
	})
	return []identityCase{
		{"FileServer/small", files, getting("/small.txt"), "", "a small file"},
		{"FileServer/large", files, getting("/large.bin"), "", "Content-Length: 100000"},
		{"FileServer/HEAD", files, asking("HEAD", "/large.bin", ""), "", "Content-Length: 100000"},
		{"FileServer/index", files, getting("/page/"), "", "<p>page"},
		{"FileServer/redirect", files, getting("/page"), "", "301 Moved"},
		{"FileServer/listing", files, getting("/"), "", `<a href="large.bin">`},
		{"FileServer/missing", files, getting("/none"), "", "404 page not found"},
		{"FileServer/escape", files, getting("/../../etc/passwd"), "", "404 Not Found"},
		{"FileServer/range", files, getting("/large.bin", "Range: bytes=50000-89999"), "", "206 Partial"},
		{"FileServer/ranges", files, getting("/large.bin", "Range: bytes=0-3,-4"), "",
			"multipart/byteranges; boundary=BOUNDARY"},
		{"FileServer/bad range", files, getting("/small.txt", "Range: bytes=99-"), "", "416 Requested"},
		{"FileServer/not modified", files, getting("/small.txt",
			"If-Modified-Since: Thu, 29 Feb 2024 12:00:00 GMT"), "", "304 Not Modified"},
		{"FileServer/precondition", files, getting("/small.txt",
			"If-Unmodified-Since: Thu, 01 Jan 1998 00:00:00 GMT"), "", "412 Precondition"},
		{"ServeContent", content, getting("/"), "", "<p>from memory"},
		{"ServeContent/range", content, getting("/", "Range: bytes=3-6", `If-Range: "v1"`), "",
			"206 Partial"},
		{"ServeContent/other version", content, getting("/", "Range: bytes=3-6", `If-Range: "v2"`), "",
			"200 OK"},
		{"ServeContent/match", content, getting("/", `If-None-Match: "v1"`), "", "304 Not Modified"},
		{"ServeFileFS", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, os.DirFS(dir), "small.txt")
		}), getting("/"), "", "a small file"},
		{"io.Copy of a file", copied, getting("/"), "", "Transfer-Encoding: chunked"},
		{"io.Copy to HTTP/1.0", copied, "GET / HTTP/1.0\r\n\r\n", "", "0123456789"},
	}
}

// wrapperIdentity is what the handlers of net/http do that wrap another.
func wrapperIdentity(t *testing.T) []identityCase {
	return []identityCase{
		{"TimeoutHandler/in time", http.TimeoutHandler(greet, time.Hour, "late"), getting("/"), "",
			"hello"},
		{"TimeoutHandler/late", http.TimeoutHandler(stuck(t), time.Millisecond, "late"), getting("/"), "",
			"503 Service"},
		{"TimeoutHandler/panic", http.TimeoutHandler(panics("boom"), time.Hour, "late"), getting("/"), "",
			""},
		{"MaxBytesHandler/under", http.MaxBytesHandler(echoBody, 5), posting("/", "12345"), "", "12345"},
		{"MaxBytesHandler/over", http.MaxBytesHandler(echoBody, 4),
			"POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 5\r\n\r\n12345", "", "Connection: close"},
		{"StripPrefix", http.StripPrefix("/api", tellPath), getting("/api/a%2Fb?q=1"), "",
			"/a/b /a%2Fb q=1"},
		{"StripPrefix/elsewhere", http.StripPrefix("/api", tellPath), getting("/other"), "",
			"404 page not found"},
		{"AllowQuerySemicolons", http.AllowQuerySemicolons(tellPath), getting("/?a=1;b=2"), "",
			"a=1&b=2"},
		{"ServeMux/redirect", mux(), getting("/a//b/../c"), "", "307 Temporary"},
		{"ServeMux/method", mux(), asking("DELETE", "/items/7", ""), "", "405 Method"},
		{"ServeMux/route", mux(), getting("/items/7"), "", "item 7 of GET /items/{id}"},
		{"CrossOriginProtection", http.NewCrossOriginProtection().Handler(greet),
			posting("/", "x", "Sec-Fetch-Site: cross-site"), "", "403 Forbidden"},
	}
}

var greet = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, "hello")
})

var tellPath = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, r.URL.Path+" "+r.URL.RawPath+" "+r.URL.RawQuery)
})

// echoBody answers with the body, or with why it can't be read.
var echoBody = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	io.Copy(w, bytes.NewReader(body))
})

// stuck is a handler that does not return before the test is over.
func stuck(t *testing.T) http.Handler {
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over })
}

func panics(value any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { panic(value) })
}

func mux() *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "item "+r.PathValue("id")+" of "+r.Pattern)
	})
	m.Handle("/a/", greet)
	return m
}
