package auth_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/parleytest"
)

func TestRequire(t *testing.T) {
	app := new(inner)
	wrap := func(next parley.App) parley.App {
		return parley.Chain(next, authWith(newBearer()), auth.Require(auth.RequireOptions{
			Allow: func(ctx context.Context, scope *parley.Scope) error {
				if user, _ := auth.User[*account](ctx); user.name != "ann" {
					return errors.New("not ann")
				}
				return nil
			},
		}))
	}
	refusedBoth(t, wrap, 401, get("/"))
	refusedBoth(t, wrap, 403, as(t, "bob", time.Hour))
	if got := parleytest.Do(t, wrap(app), as(t, "ann", time.Hour)).Status; got != 200 {
		t.Errorf("status %d", got)
	}
	got := parleytest.Do(t, auth.Require(auth.RequireOptions{})(app), get("/"))
	if !errors.Is(got.Err, auth.ErrNoMiddleware) {
		t.Errorf("without Auth: %v", got.Err)
	}
}
