package parley_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

func TestUnexpected(t *testing.T) {
	goodbye := &parley.CloseError{Code: 4000, Reason: "later"}
	for _, test := range []struct {
		name  string
		event parley.Event
		want  []error
	}{
		{"no event", nil, []error{parley.ErrUnexpectedEvent}},
		{"a message", parley.WebSocketReceive{}, []error{parley.ErrUnexpectedEvent}},
		{"a loss", parley.WebSocketDisconnect{Cause: io.EOF}, []error{parley.ErrDisconnected, net.ErrClosed, io.EOF}},
		{"a goodbye", parley.WebSocketDisconnect{Cause: goodbye}, []error{parley.ErrDisconnected, goodbye}},
		{"a drain", parley.HTTPDisconnect{Cause: parley.ErrDraining}, []error{parley.ErrDisconnected, parley.ErrDraining}},
		{"no cause", parley.HTTPDisconnect{}, []error{parley.ErrDisconnected}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := parley.Unexpected(test.event)
			for _, want := range test.want {
				if !errors.Is(got, want) {
					t.Errorf("the event means %v, which is not %v", got, want)
				}
			}
		})
	}
}

// A server's own close is not called the peer's.
func TestErrNamesWhoEnded(t *testing.T) {
	const theirs = "peer disconnected"
	for _, test := range []struct {
		cause error
		peer  bool
		code  parley.CloseCode
	}{
		{parley.ErrDraining, false, parley.CloseServiceRestart},
		{parley.ErrAuthExpired, false, parley.CloseUnauthorized},
		{fmt.Errorf("kicked: %w", parley.ErrIdle), false, parley.CloseIdle},
		{parley.ErrClosed, false, parley.CloseInternalError},
		{parley.ErrDisconnected, true, parley.CloseInternalError},
		{io.ErrUnexpectedEOF, true, parley.CloseInternalError},
	} {
		for _, err := range []error{
			parley.WebSocketDisconnect{Cause: test.cause}.Err(), parley.HTTPDisconnect{Cause: test.cause}.Err(),
		} {
			if strings.Contains(err.Error(), theirs) != test.peer {
				t.Errorf("%v is told as %q", test.cause, err)
			}
			if !errors.Is(err, parley.ErrDisconnected) || !errors.Is(err, net.ErrClosed) ||
				!errors.Is(err, test.cause) || parley.CodeOf(err) != test.code {
				t.Errorf("%q has lost what it is, or its code %d", err, parley.CodeOf(err))
			}
		}
	}
}

func TestPanicError(t *testing.T) {
	recovered := func(value any) (err *parley.PanicError) {
		defer func() { err = parley.NewPanicError(recover()) }()
		panic(value)
	}
	first := recovered(io.EOF)
	if !errors.Is(first, parley.ErrAppPanic) || !errors.Is(first, io.EOF) {
		t.Errorf("a panic with an error is %v", first)
	}
	if got := recovered(first); got != first {
		t.Errorf("a panic that goes on is a new one: %v", got)
	}
	if got := recovered("no"); !errors.Is(got, parley.ErrAppPanic) || got.Error() != "parley: app panicked: no" {
		t.Errorf("a panic with a text is %v", got)
	}
	if code := parley.CodeOf(first); code != parley.CloseInternalError {
		t.Errorf("a panic closes with %d", code)
	}
}
