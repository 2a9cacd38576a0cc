package thirdparty

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/parleytest"
)

type ginUser struct{}

// login logs in at /login, and everywhere else finds out who was: handlers of gin
// as a project has them, which know nothing of parley.
func login(c *gin.Context) {
	session := sessions.Default(c)
	if c.Request.URL.Path == "/login" {
		session.Set("user", "ann")
		if err := session.Save(); err != nil {
			c.AbortWithStatus(http.StatusInternalServerError)
			return
		}
		c.AbortWithStatus(http.StatusNoContent)
		return
	}
	user, _ := session.Get("user").(string)
	if user == "" {
		c.AbortWithStatus(http.StatusUnauthorized)
		return
	}
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), ginUser{}, user))
}

// behindGin puts gin's session and login in front of an app, and lets Auth know
// whom they have found.
func behindGin(app parley.App) parley.App {
	gin.SetMode(gin.ReleaseMode)
	store := cookie.NewStore([]byte("0123456789abcdef0123456789abcdef"))
	known := auth.AuthenticatorFunc(func(ctx context.Context, _ *parley.Scope) (*auth.Identity,
		error) {
		user, _ := ctx.Value(ginUser{}).(string)
		return &auth.Identity{ID: user, User: user, Via: "gin"}, nil
	})
	return parley.Chain(app, parleygin.Middleware(sessions.Sessions("session", store), login),
		auth.Middleware(auth.Options{Authenticators: []auth.Authenticator{known}}))
}

func TestGinSessionsInFrontOfApps(t *testing.T) {
	app := behindGin(parley.AppFunc(func(
		ctx context.Context, scope *parley.Scope, conn parley.Conn,
	) error {
		user, err := auth.User[string](ctx)
		if err != nil {
			return err
		}
		if scope.Protocol == parley.HTTP {
			return parley.Respond(ctx, conn, 200, nil, []byte("hello "+user))
		}
		conn.Receive(ctx)
		conn.Send(ctx, parley.WebSocketAccept{})
		return conn.Send(ctx, parley.Text("hello "+user))
	}))
	ask := func(path, cookie string) *http.Request {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Cookie", cookie)
		return r
	}
	if got := parleytest.Do(t, app, ask("/", "")).Status; got != 401 {
		t.Errorf("HTTP without a login: %d", got)
	}
	if got := parleytest.Dial(t, app, ask("/", "")).Denial().Status; got != 401 {
		t.Errorf("socket without a login: %d", got)
	}
	cookies := (&http.Response{Header: parleytest.Do(t, app, ask("/login", "")).Header}).Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies: %v", cookies)
	}
	session := cookies[0].Name + "=" + cookies[0].Value
	if got := parleytest.Do(t, app, ask("/", session)).Body; got != "hello ann" {
		t.Errorf("HTTP: %q", got)
	}
	if got := parleytest.Dial(t, app, ask("/", session)).Receive().Text(); got != "hello ann" {
		t.Errorf("socket: %q", got)
	}
}
