package nethttp_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// parsing is net/http middleware that parses the form itself.
func parsing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseMultipartForm(1)
		next.ServeHTTP(w, r)
		file, err := r.MultipartForm.File["file"][0].Open()
		if err != nil {
			panic(err) // what it has parsed is there until it has returned
		}
		file.Close()
	})
}

// TestTemporaryFiles: the files of a form are gone behind the request, also where the
// handler had a copy of it.
func TestTemporaryFiles(t *testing.T) {
	behind := func(list ...parley.Middleware) func(h http.Handler) http.Handler {
		return func(h http.Handler) http.Handler {
			return nethttp.Handler(parley.Chain(nethttp.App(h), list...), nethttp.Options{Logger: silent})
		}
	}
	shapes := append(slices.Clone(nativeShapes), eventShape,
		shape{"below a context", behind(valued("user", "ada"))},
		shape{"with a root path", func(h http.Handler) http.Handler {
			return nethttp.Handler(nethttp.App(h), nethttp.Options{Logger: silent, RootPath: "/up"})
		}},
		shape{"below one that parses", behind(nethttp.Middleware(parsing))},
		shape{"below one that parses, and a context",
			behind(nethttp.Middleware(parsing), valued("user", "ada"))},
		shape{"below one that parses, over events", behind(wrapping, nethttp.Middleware(parsing))},
		shape{"over events, below one that parses", behind(nethttp.Middleware(parsing), wrapping)},
	)
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			folder := t.TempDir()
			t.Setenv("TMPDIR", folder)
			server := adaptertest.Serve(t, shape.wrap(http.HandlerFunc(saysFile)))
			const form = "--b\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\nbytes\r\n--b--\r\n"
			response, err := server.Client().Post(server.URL+"/up/", "multipart/form-data; boundary=b",
				strings.NewReader(form))
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if body, _ := io.ReadAll(response.Body); string(body) != "bytes" {
				t.Fatalf("%s %q", response.Status, body)
			}
			server.Close() // waits for the server's side of the request
			if left, err := filepath.Glob(filepath.Join(folder, "*")); err != nil || len(left) > 0 {
				t.Errorf("still there: %v, %v", left, err)
			}
		})
	}
}

// saysFile answers with the file of a form that it keeps on disk.
func saysFile(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseMultipartForm(1); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	file, err := r.MultipartForm.File["file"][0].Open()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer file.Close()
	if _, onDisk := file.(*os.File); !onDisk {
		http.Error(w, "the file is in memory", http.StatusInternalServerError)
		return
	}
	io.Copy(w, file)
}
