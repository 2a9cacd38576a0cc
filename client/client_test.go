package client_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/parleygo/parley/client"
	"github.com/parleygo/parley/internal/servicetest"
)

func module(t *testing.T) string {
	t.Helper()
	source, err := client.FS.ReadFile("parley.js")
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

func TestHandler(t *testing.T) {
	plain, zipped := `"`+client.Hash()+`"`, `"`+client.Hash()+`-gzip"`
	for _, test := range []struct {
		name, method, query string
		header              http.Header
		status              int
		tag, coding, cache  string
		empty               bool
	}{
		{"plain", "GET", "", nil, 200, plain, "", "no-cache", false},
		{"head", "HEAD", "", nil, 200, plain, "", "no-cache", true},
		{"zipped", "GET", "", http.Header{"Accept-Encoding": {"br, GZIP;q=0.5"}}, 200, zipped, "gzip", "no-cache", false},
		{"zipped head", "HEAD", "", http.Header{"Accept-Encoding": {"gzip"}}, 200, zipped, "gzip", "no-cache", true},
		{"not zipped", "GET", "", http.Header{"Accept-Encoding": {"gzip; q=0, br"}}, 200, plain, "", "no-cache", false},
		{"known", "GET", "", http.Header{"If-None-Match": {`"x", W/` + plain}}, 304, plain, "", "no-cache", true},
		{"known otherwise", "GET", "", http.Header{"If-None-Match": {zipped}}, 200, plain, "", "no-cache", false},
		{"any", "HEAD", "", http.Header{"If-None-Match": {"*"}}, 304, plain, "", "no-cache", true},
		{"named", "GET", "?v=" + client.Hash(), nil, 200, plain, "", "public, max-age=31536000, immutable", false},
		{"of another version", "GET", "?v=0", nil, 200, plain, "", "no-cache", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(test.method, "/anything.js"+test.query, nil)
			r.Header = test.header.Clone()
			w := httptest.NewRecorder()
			client.Handler().ServeHTTP(w, r)
			header := w.Header()
			if w.Code != test.status || header.Get("Etag") != test.tag ||
				header.Get("Content-Encoding") != test.coding || header.Get("Cache-Control") != test.cache {
				t.Errorf("got %d %v", w.Code, header)
			}
			if header.Get("Content-Type") != "text/javascript; charset=utf-8" ||
				header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("got %v", header)
			}
			if (w.Body.Len() == 0) != test.empty {
				t.Errorf("got %d bytes", w.Body.Len())
			}
			if !test.empty && unzipped(t, w) != module(t) {
				t.Error("that is not the module")
			}
		})
	}
}

func unzipped(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if w.Header().Get("Content-Encoding") == "" {
		return w.Body.String()
	}
	reader, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestHandlerRefusesOtherMethods(t *testing.T) {
	w := httptest.NewRecorder()
	client.Handler().ServeHTTP(w, httptest.NewRequest("POST", "/parley.js", nil))
	if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
}

// TestSize: a page pays for every byte.
func TestSize(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(w, module(t)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if zipped.Len() > 12_800 {
		t.Errorf("%d bytes zipped", zipped.Len())
	}
}

// TestLicense: the package has the licence of the repository.
func TestLicense(t *testing.T) {
	ours, err := client.FS.ReadFile("LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile("../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours, theirs) {
		t.Error("client/LICENSE is not LICENSE")
	}
}

// TestOptionsAreDescribed: every option stands in README.md with its default, and in
// the types.
func TestOptionsAreDescribed(t *testing.T) {
	_, rest, _ := strings.Cut(module(t), "const DEFAULTS = {\n")
	list, _, found := strings.Cut(rest, "\n};")
	if !found {
		t.Fatal("parley.js has no defaults")
	}
	for _, file := range []struct{ name, before, after string }{
		{"README.md", "| `", "` |"}, {"parley.d.ts", "\t", "?: "},
	} {
		text, err := client.FS.ReadFile(file.name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(list) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), ":")
			if !strings.Contains(string(text), file.before+name+file.after) {
				t.Errorf("%s does not describe %s", file.name, name)
			}
		}
	}
}

// TestParts has Node test what needs no server.
func TestParts(t *testing.T) {
	node := servicetest.Program(t, "node")
	out, err := exec.CommandContext(t.Context(), node, "--test", "--test-timeout=240000",
		"test/parts.test.js", "test/links.test.js", "test/session.test.js").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
