package router_test

import (
	"context"
	"errors"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/router"
)

func TestRulesProtocols(t *testing.T) {
	var served []parley.Protocol
	note := parley.AppFunc(func(_ context.Context, scope *parley.Scope, _ parley.Conn) error {
		served = append(served, scope.Protocol)
		return nil
	})
	p := router.Protocols{parley.HTTP: note, parley.Channel: note, "nil": nil}
	for _, test := range []struct {
		name     string
		protocol parley.Protocol
		served   bool
	}{
		{"B1.1 known", parley.HTTP, true},
		{"B1.1 known as well", parley.Channel, true},
		{"B1.1 unknown", parley.WebSocket, false},
		{"B1.1 exact", "HTTP", false},
		{"B1.1 missing", "", false},
		{"B1.1 a nil app", "nil", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			served = nil
			conn := new(tape)
			err := p.Serve(t.Context(), &parley.Scope{Protocol: test.protocol}, conn)
			var unsupported *parley.UnsupportedProtocolError
			if refused := errors.As(err, &unsupported); refused == test.served ||
				len(served) == 0 == test.served {
				t.Errorf("served %q, error %v", served, err)
			}
			if unsupported != nil && unsupported.Protocol != test.protocol {
				t.Errorf("the error names %q", unsupported.Protocol)
			}
			if len(conn.sent) > 0 {
				t.Errorf("sent %v", conn.sent)
			}
		})
	}
	t.Run("B1.1 URLs knows HTTP and WebSocket", func(t *testing.T) {
		err := new(router.URLs).Serve(t.Context(), &parley.Scope{Protocol: parley.Channel}, new(tape))
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("error %v", err)
		}
	})
}
