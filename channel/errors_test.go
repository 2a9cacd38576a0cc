package channel_test

import (
	"errors"
	"net"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// Each error of the package that is of one of the root's kinds matches it, so that
// whoever knows only the root deals with it rightly.
func TestErrorKinds(t *testing.T) {
	all := []error{
		channel.ErrFull, channel.ErrNoInbox, channel.ErrTooLarge, channel.ErrName,
		channel.ErrTaken, channel.ErrForeign, channel.ErrClosed,
	}
	for _, test := range []struct {
		err   error
		kinds []error
		code  parley.CloseCode
	}{
		{channel.ErrFull, []error{parley.ErrFull}, parley.CodeOf(parley.ErrFull)},
		{channel.ErrTooLarge, []error{parley.ErrTooLarge}, parley.CloseTooLarge},
		{channel.ErrClosed, []error{parley.ErrClosed, net.ErrClosed}, parley.CodeOf(parley.ErrClosed)},
		{channel.ErrNoInbox, nil, parley.CloseInternalError},
		{channel.ErrName, nil, parley.CloseInternalError},
		{channel.ErrTaken, nil, parley.CloseInternalError},
		{channel.ErrForeign, nil, parley.CloseInternalError},
	} {
		for _, kind := range test.kinds {
			if !errors.Is(test.err, kind) {
				t.Errorf("%v does not match %v", test.err, kind)
			}
		}
		for _, other := range all {
			if errors.Is(test.err, other) != (test.err == other) {
				t.Errorf("%v matches %v", test.err, other)
			}
		}
		if got := parley.CodeOf(test.err); got != test.code {
			t.Errorf("%v has the code %d, want %d", test.err, got, test.code)
		}
		if errors.Is(test.err, parley.ErrDisconnected) {
			t.Errorf("%v tells of a peer", test.err)
		}
	}
}
