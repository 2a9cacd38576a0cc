package protocol_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

func TestStatus(t *testing.T) {
	for want, errs := range map[int][]error{
		404: {parley.ErrNotFound, &parley.UnsupportedProtocolError{Protocol: parley.HTTP},
			&parley.UnsupportedProtocolError{Protocol: parley.Lifespan, Served: parley.WebSocket}, fmt.Errorf("x: %w", parley.ErrNotFound)},
		401: {parley.ErrAuthExpired},
		413: {parley.ErrTooLarge, &http.MaxBytesError{}},
		426: {&parley.UnsupportedProtocolError{Protocol: parley.HTTP, Served: parley.WebSocket}},
		429: {parley.ErrRateLimited},
		503: {parley.ErrDraining, parley.ErrOverloaded, parley.ErrFull},
		500: {nil, errors.New("x"), parley.ErrDisconnected, errors.ErrUnsupported},
	} {
		for _, err := range errs {
			if got := protocol.Status(err); got != want {
				t.Errorf("%v: %d, want %d", err, got, want)
			}
		}
	}
}

func TestGoodbye(t *testing.T) {
	own := &parley.CloseError{Code: 4001, Reason: "bye"}
	for _, row := range []struct {
		err    error
		code   parley.CloseCode
		reason string
	}{
		{nil, 1000, ""},
		{errors.New("secret"), 1011, ""},
		{parley.ErrDisconnected, 1000, ""},
		{fmt.Errorf("secret: %w", parley.ErrDraining), 1012, ""},
		{own, 4001, "bye"},
		{fmt.Errorf("secret: %w", own), 4001, "bye"},
		{&parley.CloseError{Code: 1006, Reason: "of another socket"}, 1011, ""},
		{&parley.CloseError{}, 1011, ""},
	} {
		if got := protocol.Goodbye(row.err); got.Code != row.code || got.Reason != row.reason {
			t.Errorf("%v: %+v", row.err, got)
		}
	}
}

func TestRequestHeaders(t *testing.T) {
	got := protocol.Subprotocols(http.Header{"Sec-Websocket-Protocol": {"a, b", "", " c ,,"}})
	if want := []string{"a", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	for value, want := range map[string]bool{"trailers": true, "gzip, Trailers": true, "gzip": false, "": false} {
		if got := protocol.WantsTrailers(http.Header{"Te": {value}}); got != want {
			t.Errorf("TE %q: %v", value, got)
		}
	}
}
