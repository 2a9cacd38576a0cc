package auth

import (
	"context"
	"slices"
)

// Subject implements identity.Claimant. A transport that asks has its own ways to
// end what it carries: the request is left to it.
func (v *visitor) Subject(ctx context.Context) (string, error) {
	v.exempt()
	identity, err := v.resolve(ctx)
	if err != nil || identity == nil {
		return "", err
	}
	return identity.ID, nil
}

// Watch implements identity.Claimant.
func (v *visitor) Watch(ctx context.Context, end func(cause error)) (release func(), err error) {
	if subject, err := v.Subject(ctx); err != nil || subject == "" {
		return func() {}, err
	}
	w, err := v.watch(ctx, func(cause error) { go end(cause) }) // which may release
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.claims = append(v.claims, w)
	return func() {
		w.close()
		v.mu.Lock()
		defer v.mu.Unlock()
		v.claims = slices.DeleteFunc(v.claims, func(other *watch) bool { return other == w })
	}, nil
}
