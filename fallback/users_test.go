package fallback_test

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/identity"
)

// users stand in for authentication: who one is stands in the header User.
type users struct {
	mu      sync.Mutex
	watches map[string]map[*func(error)]bool
}

var errBadToken = errors.New("test: a token that is no good")

func (u *users) wrap(app parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return app.Serve(identity.With(ctx, &claimant{u, scope.Request.Header.Get("User")}), scope, conn)
	})
}

// logout ends what a user has open.
func (u *users) logout(name string) {
	u.mu.Lock()
	var ends []func(error)
	for end := range u.watches[name] {
		ends = append(ends, *end)
	}
	delete(u.watches, name)
	u.mu.Unlock()
	for _, end := range ends {
		end(parley.ErrAuthExpired)
	}
}

func (u *users) watching() (n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, list := range u.watches {
		n += len(list)
	}
	return n
}

type claimant struct {
	users *users
	name  string
}

func (c *claimant) Subject(context.Context) (string, error) {
	if c.name == "forged" {
		return "", errBadToken
	}
	return c.name, nil
}

func (c *claimant) Watch(_ context.Context, end func(error)) (release func(), err error) {
	switch c.name {
	case "expired":
		return nil, parley.ErrAuthExpired
	case "unlucky":
		panic("test: no memory of revocations")
	case "expiring":
		end(parley.ErrAuthExpired)
		return func() {}, nil
	}
	u := c.users
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.watches == nil {
		u.watches = make(map[string]map[*func(error)]bool)
	}
	if u.watches[c.name] == nil {
		u.watches[c.name] = make(map[*func(error)]bool)
	}
	u.watches[c.name][&end] = true
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.watches[c.name], &end)
	}, nil
}

// as makes requests those of a user.
func as(name string) func(*http.Request) *http.Request {
	return func(r *http.Request) *http.Request {
		r.Header.Set("User", name)
		return r
	}
}
