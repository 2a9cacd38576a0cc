package protocol_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/parleygo/parley"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// broken is what an event that breaks a rule is answered with.
type broken struct {
	state, rule string
	err         error
}

// expect compares the answer to an event with what the rule asks for. A nil want
// asks for consent.
func expect(t *testing.T, event parley.Event, got error, want *broken) {
	t.Helper()
	var refusal *parley.ProtocolError
	switch {
	case want == nil && got == nil:
	case want == nil || !errors.As(got, &refusal):
		t.Errorf("%s: got %v, want %+v", event.EventType(), got, want)
	case refusal.State != want.state || refusal.Rule != want.rule || refusal.Event != event.EventType():
		t.Errorf("got %v, want %+v", got, want)
	case !errors.Is(got, want.err) || errors.Is(got, parley.ErrDisconnected):
		t.Errorf("%v does not match %v alone", got, want.err)
	}
}
