package auth_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/parleytest"
)

// An ambient authenticator is asked when somebody wants to know, and last.
func TestAmbient(t *testing.T) {
	asked := 0
	cookie := auth.AuthenticatorFunc(func(context.Context, *parley.Scope) (*auth.Identity, error) {
		asked++
		return &auth.Identity{ID: "cookie"}, nil
	})
	token := auth.AuthenticatorFunc(func(_ context.Context, scope *parley.Scope) (*auth.Identity, error) {
		if scope.Request.Header.Get("Token") == "" {
			return nil, nil
		}
		return &auth.Identity{ID: "token"}, nil
	})
	wrap := auth.Middleware(auth.Options{Authenticators: []auth.Authenticator{auth.Ambient(cookie), token}})
	who := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		identity, err := auth.IdentityFrom(ctx)
		if err != nil {
			return err
		}
		return parley.Respond(ctx, conn, http.StatusOK, nil, []byte(identity.ID))
	})
	parleytest.Do(t, wrap(new(inner)), get("/"))
	if asked != 0 {
		t.Errorf("asked %d times by nobody", asked)
	}
	if got := parleytest.Do(t, wrap(who), get("/", "Token", "x")); got.Body != "token" || asked != 0 {
		t.Errorf("%s, asked %d times", got.Body, asked)
	}
	if got := parleytest.Do(t, wrap(who), get("/")); got.Body != "cookie" || asked != 1 {
		t.Errorf("%s, asked %d times", got.Body, asked)
	}
}

func TestAmbientOfNil(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	auth.Ambient(nil)
}
