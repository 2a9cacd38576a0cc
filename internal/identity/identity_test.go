package identity_test

import (
	"context"
	"testing"

	"github.com/parleygo/parley/internal/identity"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type claimant string

func (c claimant) Subject(context.Context) (string, error) { return string(c), nil }

func (c claimant) Watch(context.Context, func(error)) (func(), error) { return func() {}, nil }

func TestTheInnermostCounts(t *testing.T) {
	ctx := t.Context()
	if got := identity.From(ctx); got != nil {
		t.Errorf("nobody above: %v", got)
	}
	outer := identity.With(ctx, claimant("outer"))
	inner := identity.With(outer, claimant("inner"))
	for want, ctx := range map[claimant]context.Context{"outer": outer, "inner": inner} {
		if got := identity.From(ctx); got != want {
			t.Errorf("the claimant is %v, want %v", got, want)
		}
	}
}
