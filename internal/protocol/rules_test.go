package protocol

import (
	"errors"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

func TestRulesAreDistinctAndWhole(t *testing.T) {
	seen := make(map[string]bool)
	for _, rule := range Rules() {
		if seen[rule.ID] || rule.State == "" || rule.Event == "" || rule.Err == nil {
			t.Errorf("rule %+v is listed twice, or says too little", rule)
		}
		seen[rule.ID] = true
	}
}

func TestRefusalNamesWhatWasSent(t *testing.T) {
	for _, test := range []struct {
		name  string
		event parley.Event
		named string
		hint  string
	}{
		{"an event", parley.WebSocketSend{}, "websocket.send", ""},
		{"a pointer", &parley.WebSocketSend{}, "*parley.WebSocketSend", "pass events by value"},
		{"a nil pointer", (*parley.WebSocketSend)(nil), "*parley.WebSocketSend", "pass events by value"},
		{"nothing", nil, "no event", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := RefuseOnChannel(test.event)
			var refused *parley.ProtocolError
			if !errors.As(err, &refused) || refused.Event != test.named || refused.Rule != "B8.send" {
				t.Fatalf("refused with %v", err)
			}
			if !errors.Is(err, parley.ErrUnexpectedEvent) || !strings.Contains(err.Error(), test.hint) {
				t.Errorf("refused with %v", err)
			}
		})
	}
}

type handlingConn struct {
	parley.Conn
	count int
}

func (c *handlingConn) Handling(delta int) { c.count += delta }

type wrappedConn struct{ parley.Conn }

func (c wrappedConn) Unwrap() parley.Conn { return c.Conn }

func TestHandlingOf(t *testing.T) {
	live := new(handlingConn)
	HandlingOf(wrappedConn{wrappedConn{live}}).Handling(1)
	if live.count != 1 {
		t.Errorf("the live conn has heard of %d handlers, want 1", live.count)
	}
	HandlingOf(struct{ parley.Conn }{live}).Handling(1) // hides it: nobody cares
	if live.count != 1 {
		t.Errorf("a conn that hides the live one passed the call on: %d", live.count)
	}
}
