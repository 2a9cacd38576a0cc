package parleygin

import (
	"context"
	"maps"

	"github.com/gin-gonic/gin"
)

// facts are what gin knew of a request, copied: the gin context is reused.
type facts struct {
	keys     map[any]any
	fullPath string
	clientIP string
}

type factsKey struct{}

func withFacts(c *gin.Context) context.Context {
	ctx := c.Request.Context()
	known := &facts{keys: copied(c.Keys), fullPath: c.FullPath(), clientIP: c.ClientIP()}
	if outer := factsOf(ctx); outer != &noFacts {
		known.inherit(outer)
	}
	return context.WithValue(ctx, factsKey{}, known)
}

// copied copies gin's keys: strings before gin 1.12, anything since.
func copied[K comparable](keys map[K]any) map[any]any {
	if keys == nil {
		return nil
	}
	all := make(map[any]any, len(keys))
	for key, value := range keys {
		all[key] = value
	}
	return all
}

// inherit adds what an outer engine knew and this one doesn't.
func (f *facts) inherit(outer *facts) {
	if f.fullPath == "" { // a middleware's engine, which has no routes and trusts no proxy
		f.fullPath, f.clientIP = outer.fullPath, outer.clientIP
	}
	for key, value := range outer.keys {
		if _, ok := f.keys[key]; !ok {
			if f.keys == nil {
				f.keys = make(map[any]any)
			}
			f.keys[key] = value
		}
	}
}

var noFacts facts

func factsOf(ctx context.Context) *facts {
	if known, ok := ctx.Value(factsKey{}).(*facts); ok {
		return known
	}
	return &noFacts
}

// Value returns what a gin handler above has set under key with c.Set, or nil.
func Value(ctx context.Context, key any) any { return factsOf(ctx).keys[key] }

// Keys returns a copy of all that gin handlers above have set with c.Set.
func Keys(ctx context.Context) map[any]any { return maps.Clone(factsOf(ctx).keys) }

// FullPath returns the pattern of the gin route that matched, such as
// "/chat/:room", or "".
func FullPath(ctx context.Context) string { return factsOf(ctx).fullPath }

// ClientIP returns the client's address by the rules of the gin engine above
// (see gin.Engine.SetTrustedProxies), or "" where there is none.
func ClientIP(ctx context.Context) string { return factsOf(ctx).clientIP }
