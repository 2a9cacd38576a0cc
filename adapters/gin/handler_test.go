package parleygin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

func respond(ctx context.Context, conn parley.Conn, body string) error {
	return parley.Respond(ctx, conn, http.StatusOK, nil, []byte(body))
}

// telling answers with what it knows of gin.
var telling = parley.AppFunc(func(
	ctx context.Context, scope *parley.Scope, conn parley.Conn,
) error {
	return respond(ctx, conn, facts(ctx, scope))
})

func facts(ctx context.Context, scope *parley.Scope) string {
	return fmt.Sprintf("room=%s rest=%s route=%s user=%v keys=%d ip=%s",
		scope.PathValue("room"), scope.PathValue("rest"), parleygin.FullPath(ctx), parleygin.Value(ctx,
			"user"),
		len(parleygin.Keys(ctx)), parleygin.ClientIP(ctx))
}

// auth lets those in who bring a token, and tells who they are.
func auth(c *gin.Context) {
	switch c.GetHeader("Authorization") {
	case "Bearer ada":
		c.Set("user", "ada")
	default:
		c.Header("WWW-Authenticate", "Bearer")
		c.AbortWithStatusJSON(http.StatusUnauthorized, gin.H{"error": "who are you?"})
	}
}

var silent = slog.New(slog.DiscardHandler)

// get asks an engine and returns status and body.
func get(t *testing.T, h http.Handler, path string, header ...string) string {
	t.Helper()
	client := adaptertest.Serve(t, h).Dial()
	client.Say("%s", ask("GET", path, "", header...))
	answer := client.Response("GET")
	if answer.Cut {
		return fmt.Sprint(answer.Status, " ", answer.Body, " CUT")
	}
	return fmt.Sprint(answer.Status, " ", answer.Body)
}

// TestHandlerKnowsWhatGinKnows: params, keys, route and client reach the app at a
// route, in a group, as NoRoute and as NoMethod.
func TestHandlerKnowsWhatGinKnows(t *testing.T) {
	r := gin.New()
	r.HandleMethodNotAllowed = true
	if err := r.SetTrustedProxies([]string{"127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	r.GET("/rooms/:room/*rest", parleygin.Handler(telling))
	r.POST("/post", parleygin.Handler(telling))
	group := r.Group("/api/:room", auth)
	group.GET("/talk", parleygin.Handler(telling))
	r.NoRoute(parleygin.Handler(telling))
	r.NoMethod(parleygin.Handler(telling))
	cases := []struct {
		name, path string
		header     []string
		want       string
	}{
		{"route", "/rooms/7/a/b", nil,
			"200 room=7 rest=/a/b route=/rooms/:room/*rest user=<nil> keys=0 ip=127.0.0.1"},
		{"trusted proxy", "/rooms/7/", []string{"X-Forwarded-For: 192.0.2.7, 198.51.100.9"},
			"200 room=7 rest=/ route=/rooms/:room/*rest user=<nil> keys=0 ip=198.51.100.9"},
		{"group", "/api/9/talk", []string{"Authorization: Bearer ada"},
			"200 room=9 rest= route=/api/:room/talk user=ada keys=1 ip=127.0.0.1"},
		{"group, refused", "/api/9/talk", nil, `401 {"error":"who are you?"}`},
		{"no route", "/elsewhere", nil, "200 room= rest= route= user=<nil> keys=0 ip=127.0.0.1"},
		{"no method", "/post", nil, "200 room= rest= route= user=<nil> keys=0 ip=127.0.0.1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := get(t, r, c.path, c.header...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestHandlerOfAHandler: a wrapped http.Handler gets gin's writer, and its
// implicit status is 200 in NoRoute too.
func TestHandlerOfAHandler(t *testing.T) {
	var writer string
	r := gin.New()
	r.NoRoute(parleygin.Handler(nethttp.App(http.HandlerFunc(func(w http.ResponseWriter,
		req *http.Request) {
		writer = fmt.Sprintf("%T", w)
		io.WriteString(w, "implicit")
	}))))
	if got := get(t, r, "/elsewhere"); got != "200 implicit" || writer != "*gin.responseWriter" {
		t.Errorf("got %s through %s", got, writer)
	}
}

// TestContextGoesThrough: what middleware of parley, gin and net/http have put into
// the context, in turns, is found by all below.
func TestContextGoesThrough(t *testing.T) {
	inner := gin.New()
	inner.GET("/:room", func(c *gin.Context) {
		ctx := c.Request.Context()
		c.String(200, "%v %v %v %s", ctx.Value(contextKey("user")), parleygin.Value(ctx, "user"),
			ctx.Value(contextKey("own")), parleygin.FullPath(ctx))
	})
	own := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey("own"), "own")))
		})
	}
	app := parley.Chain(parleygin.App(inner), deciding, nethttp.Middleware(own))
	outer := gin.New()
	outer.GET("/:any", auth, parleygin.Handler(app))
	want := "200 ada ada own /:any"
	if got := get(t, outer, "/7", "Authorization: Bearer ada"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestFallThrough: what one engine does not know the next one is asked for.
func TestFallThrough(t *testing.T) {
	last := gin.New()
	last.GET("/last", func(c *gin.Context) { c.String(200, "last") })
	middle := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if scope.Request.URL.Path == "/middle" {
			return respond(ctx, conn, "middle")
		}
		return parleygin.App(last).Serve(ctx, scope, conn)
	})
	first := gin.New()
	first.GET("/first", func(c *gin.Context) { c.String(200, "first") })
	first.NoRoute(parleygin.Handler(middle))
	for path, want := range map[string]string{
		"/first": "200 first", "/middle": "200 middle", "/last": "200 last", "/none": "404 404 page not found",
	} {
		if got := get(t, nethttp.Handler(parleygin.App(first)), path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

// failingApps end badly, in the middle of their answer or before it.
var failingApps = []struct {
	name string
	app  parley.App
	want string
}{
	{"returns early", streaming(nil), "200 part CUT"},
	{"fails", streaming(errors.New("secret")), "200 part CUT"},
	{"panics", parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		streaming(nil).Serve(ctx, scope, conn)
		panic("secret")
	}), "200 part CUT"},
	{"aborts", parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		streaming(nil).Serve(ctx, scope, conn)
		panic(http.ErrAbortHandler)
	}), "200 part CUT"},
	{"fails before", parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error {
		return errors.New("secret")
	}), "500 Internal Server Error\n"},
	{"panics before", parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error {
		panic("secret")
	}), "500 Internal Server Error\n"},
	{"not found", parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error {
		return parley.ErrNotFound
	}), "404 Not Found\n"},
}

func streaming(err error) parley.AppFunc {
	return func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		return errors.Join(
			conn.Send(ctx, parley.HTTPResponseStart{Status: 200}),
			conn.Send(ctx, parley.HTTPResponseBody{Body: []byte("part"), More: true}), err)
	}
}

// TestRecoveryHidesNoTruncation: below gin.Recovery, which catches the panic that
// ends a broken answer, the client still sees that it is broken.
func TestRecoveryHidesNoTruncation(t *testing.T) {
	for _, c := range failingApps {
		t.Run(c.name, func(t *testing.T) {
			r := gin.New()
			r.Use(gin.RecoveryWithWriter(io.Discard))
			r.GET("/", parleygin.Handler(c.app, nethttp.Options{Logger: silent}))
			server := adaptertest.New(t, r)
			server.Expect("response.WriteHeader on hijacked connection")
			server.Start()
			client := server.Dial()
			client.Say("%s", ask("GET", "/", ""))
			answer := client.Response("GET")
			got := fmt.Sprint(answer.Status, " ", answer.Body)
			if answer.Cut {
				got += " CUT"
			}
			if got != c.want || strings.Contains(got, "secret") {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestLeaversAreNoPanics: gin's recovery hears nothing of clients that leave a stream.
func TestLeaversAreNoPanics(t *testing.T) {
	var recovered bytes.Buffer
	begun := make(chan struct{})
	stream := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		start := parley.HTTPResponseStart{Status: 200,
			Header: http.Header{"Content-Type": {"text/event-stream"}}}
		if err := conn.Send(ctx, start); err != nil {
			return err
		}
		for {
			part := parley.HTTPResponseBody{Body: []byte("data: 1\n\n"), More: true}
			if err := conn.Send(ctx, part); err != nil {
				return err
			}
			select {
			case begun <- struct{}{}:
				<-ctx.Done()
			case <-ctx.Done():
				return nil
			}
		}
	})
	r := gin.New()
	r.Use(gin.RecoveryWithWriter(&recovered))
	r.GET("/", parleygin.Handler(stream, nethttp.Options{Logger: silent}))
	server := adaptertest.Serve(t, r)
	client := server.Dial()
	client.Say("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	adaptertest.Await(t, begun, "the stream")
	client.Close()
	server.Close() // waits for the handler
	if recovered.Len() > 0 {
		t.Errorf("gin recovered from %s", &recovered)
	}
}
