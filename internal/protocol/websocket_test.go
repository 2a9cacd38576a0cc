package protocol_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

var offered = []string{"chat", "superchat"}

// lost stands for the loss of the peer in a list of events.
type lost struct{}

func (lost) EventType() string { return "lost" }

// sendWebSocket does what an adapter does with an event.
func sendWebSocket(w *protocol.WebSocket, event parley.Event) error {
	var err error
	switch event := event.(type) {
	case parley.WebSocketAccept:
		err = w.Accept(event, offered)
	case parley.WebSocketSend:
		err = w.Send(event)
	case parley.WebSocketClose:
		_, _, err = w.Close(event)
	case parley.WebSocketDeny:
		_, err = w.Deny(event)
	case parley.WebSocketResponseStart:
		err = w.ResponseStart(event)
	case parley.WebSocketResponseBody:
		err = w.ResponseBody(event)
	case lost:
		w.Disconnect()
	default:
		err = w.Unknown(event)
	}
	return err
}

var (
	accept    = parley.WebSocketAccept{}
	message   = parley.Text("hi")
	bad       = parley.Text("\xff")
	goodbye   = parley.WebSocketClose{Code: 4000, Reason: "bye"}
	deny      = parley.WebSocketDeny{}
	denyStart = parley.WebSocketResponseStart{Status: 401}
	denyPart  = parley.WebSocketResponseBody{Body: []byte("no"), More: true}
	denyLast  = parley.WebSocketResponseBody{}
)

func sizedDenial(length string) parley.WebSocketResponseStart {
	return parley.WebSocketResponseStart{Status: 401, Header: http.Header{"content-length": {length}}}
}

func acceptWith(name string) parley.WebSocketAccept {
	return parley.WebSocketAccept{Header: http.Header{name: {"x"}}}
}

func closeWith(code parley.CloseCode) parley.WebSocketClose { return parley.WebSocketClose{Code: code} }

// TestWebSocketRules sends before, which is in order, and then event.
func TestWebSocketRules(t *testing.T) {
	for _, row := range []struct {
		rule   string
		before []parley.Event
		event  parley.Event
		state  string
		err    error
	}{
		{"A7.send-before-accept", nil, message, "connecting", parley.ErrNotAccepted},
		{"A7.accept-twice", []parley.Event{accept}, accept, "open", parley.ErrAlreadyAccepted},
		{"A7.accept-twice", []parley.Event{accept}, deny, "open", parley.ErrAlreadyAccepted},
		{"A7.accept-twice", []parley.Event{accept}, denyStart, "open", parley.ErrAlreadyAccepted},
		{"A7.accept-twice", []parley.Event{accept}, denyLast, "open", parley.ErrAlreadyAccepted},
		{"A7.subprotocol-not-offered", nil, parley.WebSocketAccept{Subprotocol: "x"}, "connecting", parley.ErrSubprotocolNotOffered},
		{"A7.reserved-header", nil, acceptWith("Sec-WebSocket-Protocol"), "connecting", parley.ErrReservedHeader},
		{"A7.reserved-header", nil, acceptWith("sec-websocket-accept"), "connecting", parley.ErrReservedHeader},
		{"A7.reserved-header", nil, acceptWith("Sec-Websocket-Extensions"), "connecting", parley.ErrReservedHeader},
		{"A7.reserved-header", nil, acceptWith("Upgrade"), "connecting", parley.ErrReservedHeader},
		{"A4.header", nil, acceptWith("X\n"), "connecting", parley.ErrInvalidHeader},
		{"A4.header", nil, parley.WebSocketDeny{Header: http.Header{"X": {"\r"}}}, "connecting", parley.ErrInvalidHeader},
		{"A7.deny-status", nil, parley.WebSocketDeny{Status: 101}, "connecting", parley.ErrInvalidStatus},
		{"A7.deny-status", nil, parley.WebSocketResponseStart{}, "connecting", parley.ErrInvalidStatus},
		{"A7.deny-status", nil, parley.WebSocketResponseStart{Status: 600}, "connecting", parley.ErrInvalidStatus},
		{"A4.content-length", nil, sizedDenial("x"), "connecting", parley.ErrInvalidHeader},
		{"A7.long-denial", []parley.Event{sizedDenial("1")}, denyPart, "denying", parley.ErrLongBody},
		{"A7.long-denial", []parley.Event{sizedDenial("3"), denyPart}, denyPart, "denying", parley.ErrLongBody},
		{"A7.short-denial", []parley.Event{sizedDenial("3"), denyPart}, denyLast, "denying", parley.ErrShortBody},
		{"A4.body-before-start", nil, denyLast, "connecting", parley.ErrBodyBeforeStart},
		{"A7.deny-twice", []parley.Event{denyStart}, denyStart, "denying", parley.ErrAlreadyStarted},
		{"A7.deny-twice", []parley.Event{denyStart}, deny, "denying", parley.ErrAlreadyStarted},
		{"A7.deny-twice", []parley.Event{denyStart}, accept, "denying", parley.ErrAlreadyStarted},
		{"A7.deny-twice", []parley.Event{denyStart, denyPart}, goodbye, "denying", parley.ErrAlreadyStarted},
		{"A7.send-after-close", []parley.Event{denyStart}, message, "denying", parley.ErrClosed},
		{"A7.send-after-close", []parley.Event{deny}, accept, "denied", parley.ErrClosed},
		{"A7.send-after-close", []parley.Event{deny}, goodbye, "denied", parley.ErrClosed},
		{"A7.send-after-close", []parley.Event{goodbye}, message, "denied", parley.ErrClosed},
		{"A7.send-after-close", []parley.Event{denyStart, denyLast}, denyLast, "denied", parley.ErrClosed},
		{"A7.send-after-close", []parley.Event{accept, goodbye}, message, "closed", parley.ErrClosed},
		{"A7.send-after-close", []parley.Event{accept, goodbye, goodbye}, closeWith(4001), "closed", parley.ErrClosed},
		{"A7.send-after-close", []parley.Event{accept, goodbye, lost{}}, message, "closed", parley.ErrClosed},
		{"A7.invalid-text", []parley.Event{accept}, bad, "open", parley.ErrInvalidText},
		{"A7.invalid-text", []parley.Event{accept}, parley.Prepare(bad).Send(), "open", parley.ErrInvalidText},
		{"A7.close-code", []parley.Event{accept}, closeWith(999), "open", parley.ErrInvalidCloseCode},
		{"A7.close-code", []parley.Event{accept}, closeWith(1005), "open", parley.ErrInvalidCloseCode},
		{"A7.close-code", []parley.Event{accept}, closeWith(1006), "open", parley.ErrInvalidCloseCode},
		{"A7.close-code", []parley.Event{accept}, closeWith(1015), "open", parley.ErrInvalidCloseCode},
		{"A7.close-code", []parley.Event{accept}, closeWith(5000), "open", parley.ErrInvalidCloseCode},
		{"A1.5", nil, start, "connecting", parley.ErrUnexpectedEvent},
	} {
		t.Run(row.rule, func(t *testing.T) {
			var w protocol.WebSocket
			for _, event := range row.before {
				expect(t, event, sendWebSocket(&w, event), nil)
			}
			expect(t, row.event, sendWebSocket(&w, row.event), &broken{row.state, row.rule, row.err})
		})
	}
}

// TestWebSocketDenyStatuses: a denial is a final answer of HTTP, whole or in parts.
func TestWebSocketDenyStatuses(t *testing.T) {
	for status, want := range map[int]error{
		199: parley.ErrInvalidStatus, 200: nil, 599: nil, 600: parley.ErrInvalidStatus,
	} {
		var whole, parts protocol.WebSocket
		if _, err := whole.Deny(parley.WebSocketDeny{Status: status}); !errors.Is(err, want) {
			t.Errorf("%d: %v, want %v", status, err, want)
		}
		start := parley.WebSocketResponseStart{Status: status}
		if err := parts.ResponseStart(start); !errors.Is(err, want) {
			t.Errorf("%d in parts: %v, want %v", status, err, want)
		}
	}
}

func TestWebSocketSendAfterLoss(t *testing.T) {
	for _, before := range [][]parley.Event{nil, {accept}, {denyStart}} {
		for _, event := range []parley.Event{accept, message, goodbye, deny, denyStart, denyLast} {
			var w protocol.WebSocket
			for _, b := range before {
				expect(t, b, sendWebSocket(&w, b), nil)
			}
			w.Disconnect()
			if err := sendWebSocket(&w, event); err != parley.ErrDisconnected {
				t.Errorf("%s after %v: %v", event.EventType(), before, err)
			}
		}
	}
}

func TestWebSocketFinish(t *testing.T) {
	for name, row := range map[string]struct {
		events []parley.Event
		want   protocol.WebSocketEnding
	}{
		"A7.no-answer":              {nil, protocol.WebSocketFail},
		"A7.send-before-accept":     {[]parley.Event{message}, protocol.WebSocketFail},
		"A7.return-after-accept":    {[]parley.Event{accept}, protocol.WebSocketSayGoodbye},
		"A7.close":                  {[]parley.Event{accept, goodbye}, protocol.WebSocketDone},
		"A7.close-code":             {[]parley.Event{accept, closeWith(1006)}, protocol.WebSocketSayGoodbye},
		"A7.close-before-accept":    {[]parley.Event{goodbye}, protocol.WebSocketDone},
		"A7.deny":                   {[]parley.Event{deny}, protocol.WebSocketDone},
		"A7.deny/streamed":          {[]parley.Event{denyStart, denyPart, denyLast}, protocol.WebSocketDone},
		"A7.deny/incomplete":        {[]parley.Event{denyStart, denyPart}, protocol.WebSocketAbort},
		"A7.client-lost":            {[]parley.Event{accept, lost{}}, protocol.WebSocketDone},
		"A7.client-lost/connecting": {[]parley.Event{lost{}}, protocol.WebSocketDone},
	} {
		t.Run(name, func(t *testing.T) {
			var w protocol.WebSocket
			for _, event := range row.events {
				_ = sendWebSocket(&w, event)
			}
			if got := w.Finish(); got != row.want {
				t.Errorf("ending %d, want %d", got, row.want)
			}
		})
	}
}

func TestWebSocketClose(t *testing.T) {
	var w protocol.WebSocket
	if _, closing, err := w.Close(goodbye); closing != protocol.CloseDenies || err != nil {
		t.Errorf("before accept: %d, %v", closing, err)
	}
	w = protocol.WebSocket{}
	expect(t, accept, w.Accept(accept, nil), nil)
	got, closing, err := w.Close(parley.WebSocketClose{Reason: strings.Repeat("é", 62)})
	if got.Code != 1000 || got.Reason != strings.Repeat("é", 61) || closing != protocol.CloseFrame || err != nil {
		t.Errorf("got %+v, %d, %v", got, closing, err)
	}
	if _, closing, err := w.Close(got); closing != protocol.CloseNothing || err != nil {
		t.Errorf("the same again: %d, %v", closing, err)
	}
}

func FuzzCutReason(f *testing.F) {
	f.Add(strings.Repeat("a", 122) + "é")
	f.Add("\xff" + strings.Repeat("€", 50))
	f.Fuzz(func(t *testing.T, reason string) {
		got := protocol.CutReason(reason)
		if len(got) > 123 || !utf8.ValidString(got) || !strings.HasPrefix(strings.ToValidUTF8(reason, ""), got) {
			t.Errorf("%q became %q", reason, got)
		}
		if valid := utf8.ValidString(reason); valid && len(reason) <= 123 && got != reason {
			t.Errorf("%q became %q", reason, got)
		}
	})
}

// FuzzWebSocket sends events in any order and checks what no order may bring
// about.
func FuzzWebSocket(f *testing.F) {
	f.Add([]byte("amc"))
	f.Add([]byte{0, 1, 3, 3, 12})
	f.Add([]byte{6, 7, 8, 0, 12, 1})
	events := []parley.Event{accept, message, bad, goodbye, closeWith(0), closeWith(1006), deny, denyStart, denyPart,
		denyLast, acceptWith("Upgrade"), parley.WebSocketAccept{Subprotocol: "chat"}, lost{}, start}
	f.Fuzz(func(t *testing.T, order []byte) {
		var w protocol.WebSocket
		answers := 0
		for _, b := range order {
			was, event := w.State(), events[int(b)%len(events)]
			err := sendWebSocket(&w, event)
			if was == protocol.WebSocketConnecting && w.State() != was && event != (lost{}) {
				answers++
			}
			checkWebSocket(t, &w, was, event, err)
		}
		if answers > 1 {
			t.Errorf("%d answers to one handshake", answers)
		}
		w.Finish()
	})
}

func checkWebSocket(t *testing.T, w *protocol.WebSocket, was protocol.WebSocketState, event parley.Event, err error) {
	t.Helper()
	var refusal *parley.ProtocolError
	_, sends := event.(parley.WebSocketSend)
	now := w.State()
	switch ordered := err == nil && event != (lost{}); {
	case err != nil && !errors.As(err, &refusal) && err != parley.ErrDisconnected:
		t.Errorf("%s: %v", event.EventType(), err)
	case now < was:
		t.Errorf("%s: from %v back to %v", event.EventType(), was, now)
	case sends && ordered && was != protocol.WebSocketOpen:
		t.Errorf("a message went out in state %v", was)
	case ordered && (was == protocol.WebSocketDenied || was == protocol.WebSocketDisconnected):
		t.Errorf("%s went out in state %v", event.EventType(), was)
	case err != nil && now != was:
		t.Errorf("%s was refused and moved %v to %v", event.EventType(), was, now)
	}
}
