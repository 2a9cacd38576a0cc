package parleyotel_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"go.opentelemetry.io/otel/codes"

	"github.com/parleygo/parley"
	parleyotel "github.com/parleygo/parley/contrib/otel"
	"github.com/parleygo/parley/parleytest"
)

// TestWebSockets: one span from the handshake to the end.
func TestWebSockets(t *testing.T) {
	accept := func(ctx context.Context, ws *parley.Socket) error {
		return ws.Accept(ctx, parley.WebSocketAccept{Subprotocol: "chat"})
	}
	for _, c := range []struct {
		name   string
		app    func(ctx context.Context, ws *parley.Socket) error
		client func(s *parleytest.Socket)
		events []string
		code   string // of the close
		status string
		end    codes.Code
	}{
		{"peer closes", func(ctx context.Context, ws *parley.Socket) error {
			err := accept(ctx, ws)
			for err == nil {
				_, err = ws.Read(ctx)
			}
			return err
		}, func(s *parleytest.Socket) { s.Close(4321, "a secret") },
			[]string{"websocket.accept", "websocket.close"}, "4321", "101", codes.Unset},
		{"app closes", func(ctx context.Context, ws *parley.Socket) error {
			return errors.Join(accept(ctx, ws), ws.Close(ctx, 1008, ""))
		}, nil, []string{"websocket.accept", "websocket.close"}, "1008", "101", codes.Unset},
		{"app fails", func(ctx context.Context, ws *parley.Socket) error {
			return errors.Join(accept(ctx, ws), errors.New("no"))
		}, nil, []string{"websocket.accept", "websocket.close"}, "1011", "101", codes.Error},
		{"app denies", func(ctx context.Context, ws *parley.Socket) error {
			return ws.Deny(ctx, parley.WebSocketDeny{Status: http.StatusForbidden})
		}, nil, nil, "", "403", codes.Unset},
	} {
		t.Run(c.name, func(t *testing.T) {
			tracing, recorder := recording(parleyotel.Options{})
			app := parley.Chain(parley.WebSocketFunc(c.app), tracing.Middleware())
			request := httptest.NewRequest("GET", "/chat", nil)
			request.Header.Set("Traceparent", traceparent)
			s := parleytest.Dial(t, app, request, "chat")
			if s.Accepted() && c.client != nil {
				c.client(s)
			}
			s.Wait()
			span := only(t, recorder)
			var names []string
			for _, event := range span.Events() {
				names = append(names, event.Name)
				got := attributesOf(event.Attributes)
				if event.Name == "websocket.accept" && got["websocket.subprotocol"] != "chat" ||
					event.Name == "websocket.close" && got["websocket.close.code"] != c.code {
					t.Errorf("%s: %v", event.Name, got)
				}
			}
			if !slices.Equal(names, c.events) {
				t.Errorf("events %q", names)
			}
			expect(t, attributesOf(span.Attributes()), map[string]string{
				"http.response.status_code": c.status, "network.protocol.name": "websocket", "url.scheme": "ws",
			})
			if span.Status().Code != c.end || span.SpanContext().TraceID().String() != traceID {
				t.Errorf("status %+v, in trace %v", span.Status(), span.SpanContext().TraceID())
			}
		})
	}
}

// TestMessages are counted, and events if that is wished, offered ones among them.
func TestMessages(t *testing.T) {
	for fraction, want := range map[float64]int{0: 0, 1: 3} {
		tracing, recorder := recording(parleyotel.Options{Messages: fraction})
		app := parley.Chain(parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
			if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
				return err
			}
			message, err := ws.Read(ctx)
			if err != nil {
				return err
			}
			offerer, ok := parley.OffererOf(ws.Conn())
			if !ok {
				return errors.New("nobody takes offers")
			}
			return errors.Join(ws.Write(ctx, parley.Binary(message.Data)), offerer.Offer(parley.Text("and more")))
		}), takesOffers, tracing.Middleware())
		s := parleytest.Dial(t, app, httptest.NewRequest("GET", "/chat", nil))
		s.Accept()
		s.Send(parley.Text("hello"))
		s.Wait()
		span := only(t, recorder)
		expect(t, attributesOf(span.Attributes()), map[string]string{
			"parley.messages.in": "1", "parley.messages.out": "2", "parley.bytes.in": "5", "parley.bytes.out": "13",
		})
		n := 0
		for _, event := range span.Events() {
			if event.Name == "websocket.message" {
				n++
			}
		}
		if n != want {
			t.Errorf("%d messages are events, want %d", n, want)
		}
	}
}

// takesOffers is a transport that takes offers, as the live ones do.
func takesOffers(next parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return next.Serve(ctx, scope, offering{conn})
	})
}

type offering struct{ parley.Conn }

func (o offering) Offer(message parley.WebSocketSend) error {
	return o.Send(context.Background(), message)
}
