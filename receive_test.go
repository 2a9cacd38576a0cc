package parley_test

import (
	"errors"
	"fmt"
	"io"
	"net"
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
		{"a loss", parley.WebSocketDisconnect{Cause: io.EOF}, []error{parley.ErrDisconnected,
			net.ErrClosed, io.EOF}},
		{"a goodbye", parley.WebSocketDisconnect{Cause: goodbye}, []error{parley.ErrDisconnected,
			goodbye}},
		{"a drain", parley.HTTPDisconnect{Cause: parley.ErrDraining}, []error{parley.ErrDisconnected,
			parley.ErrDraining}},
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

// A server's own close is not called the peer's: the error says why.
func TestErrSaysWhy(t *testing.T) {
	for _, test := range []struct {
		cause error
		code  parley.CloseCode
		text  string
	}{
		{parley.ErrDraining, parley.CloseServiceRestart,
			"parley: disconnected: parley: server is draining"},
		{parley.ErrAuthExpired, parley.CloseUnauthorized,
			"parley: disconnected: parley: authentication expired or revoked"},
		{parley.ErrClosed, parley.CloseInternalError,
			"parley: disconnected: parley: conversation closed"},
		{parley.ErrDisconnected, parley.CloseInternalError, "parley: disconnected"},
		{io.ErrUnexpectedEOF, parley.CloseInternalError, "parley: disconnected: unexpected EOF"},
	} {
		for _, err := range []error{
			parley.WebSocketDisconnect{Cause: test.cause}.Err(),
			parley.HTTPDisconnect{Cause: test.cause}.Err(),
		} {
			if err.Error() != test.text || parley.CodeOf(err) != test.code ||
				!errors.Is(err, parley.ErrDisconnected) || !errors.Is(err, test.cause) {
				t.Errorf("%v is told as %q, with %d", test.cause, err, parley.CodeOf(err))
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
	if got := recovered("no"); !errors.Is(got, parley.ErrAppPanic) ||
		got.Error() != "parley: app panicked: no" {
		t.Errorf("a panic with a text is %v", got)
	}
	for _, value := range []error{(*net.OpError)(nil), fmt.Errorf("a: %w", (*net.OpError)(nil))} {
		got := recovered(value)
		if !errors.Is(got, parley.ErrAppPanic) || errors.Is(got, io.EOF) || got.Error() == "" {
			t.Errorf("a panic with a nil pointer is %v", got)
		}
	}
	if code := parley.CodeOf(first); code != parley.CloseInternalError {
		t.Errorf("a panic closes with %d", code)
	}
}
