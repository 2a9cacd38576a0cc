package parley_test

import (
	"errors"
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
