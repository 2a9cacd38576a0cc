package parleygin_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/nethttp"
)

// An app at a gin route, behind gin's middleware.
func ExampleHandler() {
	greet := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		text := fmt.Sprintf("hello %s, said %v", scope.PathValue("name"), parleygin.Value(ctx, "by"))
		return parley.Respond(ctx, conn, http.StatusOK, nil, []byte(text))
	})

	r := gin.New()
	r.Use(func(c *gin.Context) { c.Set("by", "gin") })
	r.GET("/hello/:name", parleygin.Handler(greet))

	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("GET", "/hello/ada", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 200 hello ada, said gin
}

// A gin project as an app, behind parley's middleware: what that puts into the
// context is in c.Request.Context().
func ExampleApp() {
	r := gin.New()
	r.GET("/whoami", func(c *gin.Context) {
		c.String(http.StatusOK, "you are %v", c.Request.Context().Value(contextKey("user")))
	})
	app := parley.Chain(parleygin.App(r), deciding)

	w := httptest.NewRecorder()
	nethttp.Handler(app).ServeHTTP(w, httptest.NewRequest("GET", "/whoami", nil))
	fmt.Println(w.Body)
	// Output: you are ada
}

// gin middleware in front of an app, on HTTP and on WebSocket handshakes.
func ExampleMiddleware() {
	secret := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return parley.Respond(ctx, conn, http.StatusOK, nil, []byte("the secret"))
	})
	basic := gin.BasicAuth(gin.Accounts{"ada": "lovelace"})
	app := parley.Chain(secret, parleygin.Middleware(basic))

	for _, password := range []string{"lovelace", "guess"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.SetBasicAuth("ada", password)
		w := httptest.NewRecorder()
		nethttp.Handler(app).ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 the secret
	// 401
}
