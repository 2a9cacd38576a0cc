package parleygin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// project is an ordinary gin project. log is where its logger writes.
func project(t *testing.T, log io.Writer) *gin.Engine {
	dir := t.TempDir()
	page, long := filepath.Join(dir, "page.txt"), time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	if err := os.WriteFile(page, []byte("from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(page, long, long); err != nil { // the same for each project
		t.Fatal(err)
	}
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.Use(logger(log), gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, value any) {
		c.AbortWithStatusJSON(http.StatusInternalServerError, gin.H{"panic": fmt.Sprint(value)})
	}))
	r.GET("/json", func(c *gin.Context) { c.JSON(http.StatusCreated, gin.H{"hello": "gin"}) })
	r.HEAD("/json", func(c *gin.Context) { c.JSON(http.StatusCreated, gin.H{"hello": "gin"}) })
	r.GET("/users/:id/*rest", func(c *gin.Context) {
		c.String(200, "%s %s %s", c.Param("id"), c.Param("rest"), c.FullPath())
	})
	r.GET("/status", func(c *gin.Context) { c.Status(http.StatusNoContent) })
	r.GET("/cookie", func(c *gin.Context) {
		c.SetCookie("a", "1", 60, "/", "", true, true)
		c.Redirect(302, "/json")
	})
	r.GET("/stream", func(c *gin.Context) {
		n := 0
		c.Stream(func(w io.Writer) bool {
			n++
			fmt.Fprintf(w, "part %d;", n)
			return n < 3
		})
	})
	r.GET("/events", func(c *gin.Context) {
		for i := range 3 {
			c.SSEvent("tick", i)
			c.Writer.Flush()
		}
	})
	r.GET("/panic", func(c *gin.Context) { panic("boom") })
	r.GET("/panic-late", func(c *gin.Context) {
		c.String(200, "part")
		c.Writer.Flush()
		panic("boom")
	})
	r.GET("/abort", func(c *gin.Context) { panic(http.ErrAbortHandler) })
	r.POST("/upload", func(c *gin.Context) {
		file, err := c.FormFile("file")
		if err != nil {
			c.AbortWithError(http.StatusBadRequest, err)
			return
		}
		c.String(200, "%s %d %s", file.Filename, file.Size, c.PostForm("name"))
	})
	r.POST("/echo", func(c *gin.Context) {
		c.DataFromReader(200, -1, "text/plain", c.Request.Body, nil)
	})
	r.GET("/file", func(c *gin.Context) { c.File(filepath.Join(dir, "page.txt")) })
	r.GET("/attachment", func(c *gin.Context) {
		c.FileAttachment(filepath.Join(dir, "page.txt"), "other.txt")
	})
	r.Static("/static", dir)
	admin := r.Group("/admin", gin.BasicAuth(gin.Accounts{"ada": "lovelace"}))
	admin.GET("/", func(c *gin.Context) { c.String(200, "hello "+c.GetString(gin.AuthUserKey)) })
	r.GET("/hijack", func(c *gin.Context) {
		conn, _, err := c.Writer.Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		io.WriteString(conn, "not HTTP at all")
	})
	r.GET("/interfaces", func(c *gin.Context) {
		_, pushes := http.ResponseWriter(c.Writer).(http.Pusher)
		c.String(200, "%T %T %t", c.Writer, c.Request.Body, pushes)
	})
	r.NoRoute(func(c *gin.Context) { c.String(404, "nothing at %s", c.Request.URL.Path) })
	return r
}

// logger logs what gin's does, without the time.
func logger(w io.Writer) gin.HandlerFunc {
	return gin.LoggerWithConfig(gin.LoggerConfig{Output: w,
		Formatter: func(p gin.LogFormatterParams) string {
			return fmt.Sprintf("%d %s %s %d bytes from %s %s\n", p.StatusCode, p.Method, p.Path, p.BodySize,
				p.ClientIP, p.ErrorMessage)
		}})
}

const form = "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nada\r\n" +
	"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\ncontents\r\n--b--\r\n"

// identityCases are what a client asks the project, and a part of the answer.
var identityCases = []struct{ name, request, want string }{
	{"JSON", ask("GET", "/json", ""), `{"hello":"gin"}`},
	{"HEAD", ask("HEAD", "/json", ""), "201 Created"},
	{"params", ask("GET", "/users/7/a/b", ""), "7 /a/b /users/:id/*rest"},
	{"no route", ask("GET", "/nowhere", ""), "nothing at /nowhere"},
	{"no method", ask("DELETE", "/json", ""), "405 method not allowed"},
	{"trailing slash", ask("GET", "/json/", ""), "301 Moved Permanently"},
	{"status only", ask("GET", "/status", ""), "204 No Content"},
	{"cookie and redirect", ask("GET", "/cookie", ""), "Set-Cookie: a=1;"},
	{"stream", ask("GET", "/stream", ""), "7\r\npart 2;\r\n"},
	{"server-sent events", ask("GET", "/events", ""), "event:tick\ndata:1"},
	{"panic", ask("GET", "/panic", ""), `{"panic":"boom"}`},
	{"panic in the middle", ask("GET", "/panic-late", ""), "part"},
	{"abort", ask("GET", "/abort", ""), ""},
	{"upload", ask("POST", "/upload", form, "Content-Type: multipart/form-data; boundary=b"),
		"a.txt 8 ada"},
	{"upload of nothing", ask("POST", "/upload", ""), "400 Bad Request"},
	{"body", ask("POST", "/echo", "body"), "body"},
	{"100-continue", ask("POST", "/echo", "body", "Expect: 100-continue"), "100 Continue"},
	{"file", ask("GET", "/file", ""), "from a file"},
	{"part of a file", ask("GET", "/file", "", "Range: bytes=5-"), "206 Partial Content"},
	{"attachment", ask("GET", "/attachment", ""), `filename="other.txt"`},
	{"static", ask("GET", "/static/page.txt", ""), "from a file"},
	{"static, missing", ask("GET", "/static/none", ""), "404"},
	{"group without auth", ask("GET", "/admin/", ""), "401 Unauthorized"},
	{"group with auth", ask("GET", "/admin/", "", "Authorization: Basic YWRhOmxvdmVsYWNl"),
		"hello ada"},
	{"forwarded client", ask("GET", "/json", "", "X-Forwarded-For: 192.0.2.7"), "201 Created"},
	{"hijack", ask("GET", "/hijack", ""), "not HTTP at all"},
	{"interfaces", ask("GET", "/interfaces", ""), "*gin.responseWriter"},
}

func ask(method, path, body string, header ...string) string {
	header = append([]string{"Host: example.test", "Connection: close",
		"Content-Length: " + strconv.Itoa(len(body))}, header...)
	return method + " " + path + " HTTP/1.1\r\n" + strings.Join(header, "\r\n") + "\r\n\r\n" + body
}

// TestAppIsTheEngine sends the same bytes to a gin project as it is and as an app:
// the same bytes come back, and the logger writes the same lines.
func TestAppIsTheEngine(t *testing.T) {
	shapes := map[string]func(*gin.Engine) http.Handler{
		"App":            func(r *gin.Engine) http.Handler { return nethttp.Handler(parleygin.App(r)) },
		"below a router": func(r *gin.Engine) http.Handler { return nethttp.Handler(deciding(parleygin.App(r))) },
		"below gin":      func(r *gin.Engine) http.Handler { return nethttp.Handler(parleygin.Middleware()(parleygin.App(r))) },
	}
	for _, c := range identityCases {
		t.Run(c.name, func(t *testing.T) {
			want, wantLog := observe(t, c.request, func(r *gin.Engine) http.Handler { return r })
			if !strings.Contains(want, c.want) {
				t.Fatalf("gin itself answers %q, want %q in it", want, c.want)
			}
			for name, shape := range shapes {
				if name == "below gin" && c.name == "interfaces" {
					continue // there is a writer of gin's below gin's writer
				}
				got, gotLog := observe(t, c.request, shape)
				if got != want {
					t.Errorf("%s: got\n%q\nwant\n%q", name, got, want)
				}
				if gotLog != wantLog {
					t.Errorf("%s: logged %q, want %q", name, gotLog, wantLog)
				}
			}
		})
	}
}

func observe(t *testing.T, request string, shape func(*gin.Engine) http.Handler) (answer,
	log string) {
	t.Helper()
	var lines bytes.Buffer
	h := shape(project(t, &lines))
	returned := make(chan struct{})
	server := adaptertest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(returned)
		h.ServeHTTP(w, r)
	}))
	answer = server.Exchange(request, "")
	adaptertest.Await(t, returned, "the handler")
	return answer, lines.String()
}

// deciding is a middleware that passes the conn on as it is, with a value in the
// context and a scope of its own.
func deciding(next parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if scope.Protocol == parley.Channel {
			return errors.ErrUnsupported
		}
		return next.Serve(context.WithValue(ctx, contextKey("user"), "ada"), scope.Clone(), conn)
	})
}

type contextKey string
