package parley_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

func TestCodeOf(t *testing.T) {
	for _, row := range []struct {
		err  error
		want parley.CloseCode
	}{
		{nil, 1000},
		{io.EOF, 1011},
		{parley.ErrDisconnected, 1011},
		{parley.ErrClosed, 1011},
		{&parley.CloseError{Code: 4000}, 4000},
		{fmt.Errorf("read: %w", &parley.CloseError{Code: 1005}), 1005},
		{parley.ErrSlowConsumer, 1013},
		{parley.ErrDraining, 1012},
		{parley.ErrIdle, 4408},
		{parley.ErrAuthExpired, 4401},
		{parley.ErrTooLarge, 1009},
		{parley.ErrRateLimited, 4429},
		{parley.ErrAppPanic, 1011},
		{parley.ErrInvalidPayload, 1007},
		{parley.ErrUnsupportedData, 1003},
		{parley.ErrPeerProtocol, 1002},
		{parley.ErrTooOld, 1012},
		{parley.ErrFinished, 1000},
		{fmt.Errorf("%w: %w", parley.ErrDisconnected, parley.ErrDraining), 1012},
		{&parley.ProtocolError{Err: parley.ErrAlreadyAccepted}, 1011},
	} {
		if got := parley.CodeOf(row.err); got != row.want {
			t.Errorf("%v: %d, want %d", row.err, got, row.want)
		}
	}
}

func TestCloseError(t *testing.T) {
	err := error(&parley.CloseError{Code: 4000, Reason: "bye"})
	for _, target := range []error{parley.ErrDisconnected, net.ErrClosed} {
		if !errors.Is(fmt.Errorf("read: %w", err), target) {
			t.Errorf("does not match %v", target)
		}
	}
	if errors.Is(err, parley.ErrClosed) {
		t.Error("matches ErrClosed, though the peer has closed")
	}
	if errors.Is(err, context.Canceled) {
		t.Error("matches context.Canceled: it may say how a handler wants to end")
	}
	if got := err.Error(); got != `parley: websocket closed with 4000 "bye"` {
		t.Error(got)
	}
}

func TestSendable(t *testing.T) {
	for code := range parley.CloseCode(5100) {
		want := code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999
		if code.Sendable() != want {
			t.Errorf("%d: %v", code, !want)
		}
	}
}

func TestConditions(t *testing.T) {
	for _, err := range []error{parley.ErrDisconnected, parley.ErrClosed} {
		if !errors.Is(err, net.ErrClosed) || !strings.HasPrefix(err.Error(), "parley: ") {
			t.Errorf("%v", err)
		}
	}
	if errors.Is(parley.ErrClosed, parley.ErrDisconnected) {
		t.Error("two conditions match each other")
	}
	if !errors.Is(parley.ErrDisconnected, context.Canceled) || errors.Is(parley.ErrClosed, context.Canceled) {
		t.Error("who is away has called nobody away, or who has closed has")
	}
}

func TestProtocolError(t *testing.T) {
	err := error(&parley.ProtocolError{
		State: "idle", Event: "http.response.body", Rule: "A4.x", Err: parley.ErrExtensionUnavailable,
	})
	if !errors.Is(err, errors.ErrUnsupported) || errors.Is(err, parley.ErrDisconnected) {
		t.Errorf("%v matches the wrong things", err)
	}
	if got := err.Error(); got != "parley: http.response.body in state idle: extension not available (rule A4.x)" {
		t.Error(got)
	}
	unsupported := &parley.UnsupportedProtocolError{Protocol: parley.Lifespan}
	if !errors.Is(unsupported, errors.ErrUnsupported) || !strings.Contains(unsupported.Error(), "lifespan") {
		t.Error(unsupported)
	}
}
