package parleygin_test

import (
	"net/http"
	"os"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// TestTemporaryFiles: the files of a form are gone behind the request, also where the
// handler below gin had a copy of it.
func TestTemporaryFiles(t *testing.T) {
	app := nethttp.App(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1); err != nil {
			t.Error(err)
			return
		}
		file, err := r.MultipartForm.File["file"][0].Open()
		if err != nil {
			t.Error(err)
			return
		}
		defer file.Close()
		if _, onDisk := file.(*os.File); !onDisk {
			t.Error("the file is in memory")
		}
	}))
	parses := func(c *gin.Context) { c.Request.ParseMultipartForm(1) }
	for name, h := range map[string]http.Handler{
		"route":                       routed(parleygin.Handler(app)),
		"route behind one that reads": routed(parses, parleygin.Handler(app)),
		"middleware":                  nethttp.Handler(parleygin.Middleware(stamping("One"))(app)),
		"middleware that reads":       nethttp.Handler(parleygin.Middleware(parses)(app)),
		"middleware twice": nethttp.Handler(parley.Chain(app,
			parleygin.Middleware(stamping("One")), parleygin.Middleware(stamping("Two")))),
		"engine": nethttp.Handler(deciding(parleygin.App(routed(parleygin.Handler(app))))),
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			t.Setenv("TMPDIR", folder)
			server := adaptertest.Serve(t, h)
			server.Exchange(ask("POST", "/", form, "Content-Type: multipart/form-data; boundary=b"), "")
			server.Close() // waits for the server's side of the request
			if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
				t.Errorf("still there: %v, %v", left, err)
			}
		})
	}
}

// routed is an engine whose only route has handlers.
func routed(handlers ...gin.HandlerFunc) *gin.Engine {
	r := gin.New()
	r.POST("/", handlers...)
	return r
}
