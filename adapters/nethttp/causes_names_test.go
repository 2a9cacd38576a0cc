package nethttp

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/parleygo/parley"
)

// causeNames are all causes that the kit has, and what else ends a socket.
var causeNames = []struct {
	cause error
	name  string
}{
	{parley.ErrSlowConsumer, "slow_consumer"}, {parley.ErrDraining, "draining"},
	{parley.ErrIdle, "idle"}, {parley.ErrAuthExpired, "auth_expired"},
	{parley.ErrTooLarge, "too_large"}, {parley.ErrRateLimited, "rate_limited"},
	{parley.ErrOverloaded, "overloaded"}, {parley.ErrAppPanic, "app_error"},
	{parley.ErrGoexit, "app_error"}, {parley.ErrInvalidPayload, "peer_error"},
	{parley.ErrUnsupportedData, "peer_error"}, {parley.ErrPeerProtocol, "peer_error"},
	{parley.ErrTooOld, "too_old"}, {parley.ErrKicked, "kicked"}, {parley.ErrFinished, "app_returned"},
	{parley.ErrClosed, "app_closed"}, {parley.ErrDisconnected, "disconnected"},
	{parley.ErrIncomplete, "app_error"}, {&parley.CloseError{Code: 1000}, "peer_closed"},
	{errors.New("made up"), "other"}, {nil, "other"},
}

func TestCauseNames(t *testing.T) {
	for _, c := range causeNames {
		for _, cause := range []error{c.cause, fmt.Errorf("wrapped: %w", c.cause)} {
			if got := causeName(causeIndex(cause)); got != c.name {
				t.Errorf("%v is %q, want %q", cause, got, c.name)
			}
		}
	}
	code, err := os.ReadFile("../../close.go")
	if err != nil {
		t.Fatal(err)
	}
	const others = 6 // of the table, that are no causes of close.go
	if n := bytes.Count(code, []byte("= &cause{")); n != len(causeNames)-others {
		t.Errorf("close.go has %d causes, and the table %d", n, len(causeNames)-others)
	}
}

func TestCodeNames(t *testing.T) {
	for code, want := range map[parley.CloseCode]string{
		1000: "1000", 1006: "1006", 4401: "4401", 3000: "3xxx", 3999: "3xxx", 4000: "4xxx", 4999: "4xxx",
		0: "other", 1004: "other", 2999: "other", 5000: "other",
	} {
		if got := codeLabel(codeIndex(code)); got != want {
			t.Errorf("%d is %q, want %q", code, got, want)
		}
	}
}
