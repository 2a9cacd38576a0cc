package protocol_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

func TestWithHeader(t *testing.T) {
	own, more := http.Header{"A": {"1"}}, http.Header{"A": {"2"}, "B": {"3"}}
	both := http.Header{"A": {"2", "1"}, "B": {"3"}}
	for _, test := range []struct{ event, want parley.Event }{
		{parley.HTTPResponseStart{Header: own}, parley.HTTPResponseStart{Header: both}},
		{parley.WebSocketAccept{Header: own}, parley.WebSocketAccept{Header: both}},
		{parley.WebSocketDeny{Header: own}, parley.WebSocketDeny{Header: both}},
		{parley.WebSocketResponseStart{Header: own}, parley.WebSocketResponseStart{Header: both}},
		{parley.WebSocketDeny{Header: http.Header{"a": {"1"}}}, parley.WebSocketDeny{Header: both}},
		{parley.WebSocketDeny{}, parley.WebSocketDeny{Header: more}},
		{parley.HTTPResponseBody{Body: []byte("a")}, parley.HTTPResponseBody{Body: []byte("a")}},
	} {
		if got := protocol.WithHeader(test.event, more); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v, want %v", test.event.EventType(), got, test.want)
		}
	}
	if !reflect.DeepEqual(own, http.Header{"A": {"1"}}) {
		t.Errorf("the app's own header was changed: %v", own)
	}
}

func TestAnswerStatus(t *testing.T) {
	for _, test := range []struct {
		event parley.Event
		want  int
	}{
		{parley.HTTPResponseStart{Status: 204}, 204},
		{parley.WebSocketAccept{}, 101},
		{parley.WebSocketDeny{}, 403},
		{parley.WebSocketDeny{Status: 404}, 404},
		{parley.WebSocketResponseStart{Status: 401}, 401},
		{parley.HTTPResponseBody{}, 0},
		{parley.WebSocketClose{}, 0},
	} {
		if got := protocol.AnswerStatus(test.event); got != test.want {
			t.Errorf("%s: %d, want %d", test.event.EventType(), got, test.want)
		}
	}
}

func TestRequested(t *testing.T) {
	r := new(http.Request)
	for _, test := range []struct {
		scope parley.Scope
		want  bool
	}{
		{parley.Scope{Protocol: parley.HTTP, Request: r}, true},
		{parley.Scope{Protocol: parley.WebSocket, Request: r}, true},
		{parley.Scope{Protocol: parley.HTTP}, false},
		{parley.Scope{Protocol: parley.Lifespan}, false},
		{parley.Scope{Protocol: "other", Request: r}, false},
	} {
		if got := protocol.Requested(&test.scope); got != test.want {
			t.Errorf("%s: %v", test.scope.Protocol, got)
		}
	}
}
