package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/parleytest"
)

var jwtKey = []byte("0123456789abcdef0123456789abcdef")

func signed(t testing.TB, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func tokenFor(t testing.TB, user string, life time.Duration) string {
	claims := jwt.MapClaims{"sub": user, "exp": time.Now().Add(life).Unix()}
	return signed(t, jwt.SigningMethodHS256, jwtKey, claims)
}

// as makes a request with a user's token.
func as(t testing.TB, user string, life time.Duration) *http.Request {
	return get("/", "Authorization", "Bearer "+tokenFor(t, user, life))
}

func newBearer() *auth.Bearer {
	return auth.NewBearer(auth.BearerOptions{
		Algorithms: []string{"HS256"},
		Key:        func(*jwt.Token) (any, error) { return jwtKey, nil },
		Identify: func(_ context.Context, claims jwt.MapClaims) (*auth.Identity, error) {
			id, _ := claims.GetSubject()
			if id == "nobody" {
				return nil, nil
			}
			return &auth.Identity{ID: id, User: &account{id}}, nil
		},
	})
}

// account is the app's own kind of user.
type account struct{ name string }

// whoami answers who the user is.
var whoami = parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	user, err := auth.User[*account](ctx)
	text := fmt.Sprint(err)
	if err == nil {
		text = user.name
	}
	if scope.Protocol == parley.HTTP {
		return parley.Respond(ctx, conn, 200, nil, []byte(text))
	}
	conn.Receive(ctx)
	if err := conn.Send(ctx, parley.WebSocketAccept{}); err != nil {
		return err
	}
	conn.Send(ctx, parley.Text(text))
	for {
		event, err := conn.Receive(ctx)
		if message, ok := event.(parley.WebSocketReceive); ok {
			conn.Send(ctx, parley.Text(fmt.Sprint(auth.Renew(ctx, message.Text()))))
			continue
		}
		return err
	}
})

// revocable is authWith a Bearer whose users can be revoked.
func revocable(revocations auth.Revocations) parley.Middleware {
	return auth.Middleware(auth.Options{
		Authenticators: []auth.Authenticator{newBearer()}, Revocations: revocations,
	})
}

func authWith(authenticators ...auth.Authenticator) parley.Middleware {
	return auth.Middleware(auth.Options{Authenticators: authenticators})
}

func TestUser(t *testing.T) {
	for _, test := range []struct{ header, want string }{
		{"", "auth: nobody is logged in"},
		{"Bearer " + tokenFor(t, "ann", time.Hour), "ann"},
	} {
		r := get("/", "Authorization", test.header)
		if got := parleytest.Do(t, authWith(newBearer())(whoami), r).Body; got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
	if _, err := auth.User[*account](t.Context()); err != auth.ErrNoMiddleware {
		t.Error(err)
	}
	app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		_, err := auth.User[string](ctx)
		return parley.Respond(ctx, conn, 200, nil, []byte(err.Error()))
	})
	got := parleytest.Do(t, authWith(newBearer())(app), as(t, "ann", time.Hour)).Body
	if got != "auth: the user is a *auth_test.account, not a string" {
		t.Errorf("%q", got)
	}
}
