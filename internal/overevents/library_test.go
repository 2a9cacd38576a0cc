package overevents

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// fileCases are what http.FileServer and http.ServeContent do.
func fileCases(t *testing.T) []parityCase {
	dir := someFiles(t)
	files := http.FileServer(http.Dir(dir)).ServeHTTP
	modified := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	return []parityCase{
		{name: "small file", handler: files, request: get("/small.txt")},
		{name: "middle file", handler: files, request: get("/middle.txt")},
		{name: "big file", handler: files, request: get("/big.bin")},
		{name: "HEAD of a file", handler: files, request: ask(http.MethodHead, "/big.bin", nil)},
		{name: "range", handler: files, request: get("/big.bin", "Range", "bytes=50000-89999")},
		{name: "last bytes", handler: files, request: get("/big.bin", "Range", "bytes=-5")},
		{name: "range beyond the end",
			handler: files, request: get("/big.bin", "Range", "bytes=100000-")},
		{name: "file that is not there", handler: files, request: get("/none")},
		{name: "directory", handler: files, request: get("/")},
		{name: "file not modified",
			handler: files, request: get("/big.bin", "If-Modified-Since", "Thu, 01 Jan 2099 00:00:00 GMT")},
		{name: "file copied without a length", handler: func(w http.ResponseWriter, r *http.Request) {
			file, err := os.Open(filepath.Join(dir, "big.bin"))
			if err != nil {
				panic(err)
			}
			defer file.Close()
			io.CopyN(w, file, 60_000)
			n, err := w.(io.ReaderFrom).ReadFrom(file)
			fmt.Fprint(w, n, err)
		}},
		{name: "content from memory", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Etag", `"v1"`)
			http.ServeContent(w, r, "page.html", modified, bytes.NewReader([]byte("<p>from memory")))
		}, request: get("/", "Range", "bytes=3-6", "If-Range", `"v1"`)},
	}
}

func someFiles(t *testing.T) (dir string) {
	dir = t.TempDir()
	for name, size := range map[string]int{"small.txt": 5, "middle.txt": 700, "big.bin": 100_000} {
		if err := os.WriteFile(filepath.Join(dir, name), digits(size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// libraryCases are handlers of the standard library at work.
func libraryCases(t *testing.T) []parityCase {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.PathValue("id"), r.Pattern)
	})
	mux.Handle("/tree/", http.StripPrefix("/tree", http.RedirectHandler("leaf", http.StatusSeeOther)))
	return []parityCase{
		{name: "http.Error", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "999")
			http.Error(w, "no such thing", http.StatusNotFound)
		}},
		{name: "redirect", handler: http.RedirectHandler("/elsewhere?ä", http.StatusFound).ServeHTTP},
		{name: "route", handler: mux.ServeHTTP, request: get("/items/7")},
		{name: "method not allowed", handler: mux.ServeHTTP, request: post("x")},
		{name: "route not found", handler: mux.ServeHTTP, request: get("/nowhere")},
		{name: "path to be cleaned", handler: mux.ServeHTTP, request: get("/items/../items/8")},
		{name: "relative redirect", handler: mux.ServeHTTP, request: get("/tree/branch/twig")},
		{name: "reverse proxy", handler: proxy(t).ServeHTTP, request: post("proxied body")},
		{name: "cookie", handler: func(w http.ResponseWriter, r *http.Request) {
			cookie, err := r.Cookie("seen")
			http.SetCookie(w, &http.Cookie{Name: "seen", Value: "2", HttpOnly: true})
			fmt.Fprint(w, cookie, err)
		}, request: get("/", "Cookie", "seen=1")},
	}
}

// proxy passes requests on to a server that uses all there is.
func proxy(t *testing.T) http.Handler {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Link", "</hint.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Trailer", "X-Sum")
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "backend got %q", body)
		w.(http.Flusher).Flush()
		w.Header().Set("X-Sum", "42")
		w.Header().Set(http.TrailerPrefix+"X-Undeclared", "43")
	}))
	t.Cleanup(backend.Close)
	target, err := url.Parse(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	return httputil.NewSingleHostReverseProxy(target)
}
