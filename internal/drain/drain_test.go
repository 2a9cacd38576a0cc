package drain_test

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/parleygo/parley/internal/drain"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type member struct {
	err     error
	drained int
	during  func()
}

func (m *member) Drain(context.Context) error {
	m.drained++
	if m.during != nil {
		m.during()
	}
	return m.err
}

func TestAsk(t *testing.T) {
	var group drain.Group
	if group.Ask() || group.Listens() {
		t.Error("nobody listens")
	}
	asked := group.Asked()
	select {
	case <-asked:
		t.Error("not asked yet")
	default:
	}
	if !group.Listens() || !group.Ask() || !group.Ask() {
		t.Error("somebody listens")
	}
	<-asked
	<-group.Asked()
}

func TestGroup(t *testing.T) {
	if drain.From(t.Context()) != nil {
		t.Error("there is a group that nobody made")
	}
	group := new(drain.Group)
	if drain.From(drain.With(t.Context(), group)) != group {
		t.Error("the group is lost on its way")
	}
	failed := errors.New("failed")
	late := new(member)
	early := &member{err: failed, during: func() { group.Join(late, late) }}
	group.Join(early, early)
	group.Join(early, late) // is there already
	if err := group.Drain(t.Context()); !errors.Is(err, failed) {
		t.Errorf("drain: %v", err)
	}
	if early.drained != 1 || late.drained != 1 {
		t.Errorf("drained %d and %d times, want once each", early.drained, late.drained)
	}
	if members := group.Members(); len(members) != 2 || members[early] != early {
		t.Errorf("members: %v", members)
	}
}
