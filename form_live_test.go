package parley_test

import (
	"bytes"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// How a real server answers forms, and those that are none.
func TestFormsOfAServer(t *testing.T) {
	dir := t.TempDir()
	gateway := nethttp.Handler(readsForm(parley.FormOptions{Dir: dir, MaxMemory: 1000}),
		nethttp.Options{MaxBody: 3 << 20, Logger: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(gateway)
	defer server.Close()
	defer gateway.Drain(t.Context())
	var upload bytes.Buffer
	w := multipart.NewWriter(&upload)
	_ = w.WriteField("a", "1")
	file, _ := w.CreateFormFile("file", "f")
	_, _ = file.Write(bytes.Repeat([]byte("x"), 2<<20))
	_ = w.Close()
	whole := upload.String()
	for name, test := range map[string]struct {
		typ, body string
		status    int
	}{
		"encoded":   {encoded, "a=1", 200},
		"upload":    {w.FormDataContentType(), whole, 200},
		"cut":       {w.FormDataContentType(), whole[:len(whole)-100], 400},
		"too large": {w.FormDataContentType(), whole + strings.Repeat(" ", 2<<20), 413},
		"no form":   {"text/plain", "a=1", 415},
	} {
		// A reader of no known length comes in chunks.
		for _, body := range []io.Reader{
			strings.NewReader(test.body), io.MultiReader(strings.NewReader(test.body)),
		} {
			response, err := http.Post(server.URL, test.typ, body)
			if err != nil {
				t.Fatal(err)
			}
			said, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if response.StatusCode != test.status {
				t.Errorf("%s: %d %.100s, want %d", name, response.StatusCode, said, test.status)
			}
		}
	}
	expectNoFiles(t, dir)
	http.DefaultClient.CloseIdleConnections()
}
