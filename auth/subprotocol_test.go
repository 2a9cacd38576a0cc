package auth_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/parleytest"
)

func TestBearerSubprotocolE19(t *testing.T) {
	token := tokenFor(t, "ann", time.Hour)
	for _, test := range []struct {
		name    string
		offered []string
		choose  string
		seen    string
		answer  string
		status  int
	}{
		{"alone", []string{"bearer", token}, "", "[]", "bearer", 0},
		{"before another", []string{"bearer", token, "chat.v1"}, "chat.v1", "[chat.v1]", "chat.v1", 0},
		{"behind another", []string{"chat.v1", "bearer", token}, "chat.v1", "[chat.v1]", "chat.v1", 0},
		{"another not chosen", []string{"bearer", token, "chat.v1"}, "", "[chat.v1]", "bearer", 0},
		{"not offered", []string{"chat.v1"}, "chat.v1", "[chat.v1]", "chat.v1", 0},
		{"no token", []string{"bearer"}, "", "", "", 400},
		{"twice", []string{"bearer", token, "bearer", token}, "", "", "", 400},
		{"bad token", []string{"bearer", "chat.v1"}, "", "", "", 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			var seen string
			var header []string
			app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
				seen = fmt.Sprint(ws.Scope().Subprotocols)
				header = ws.Scope().Request.Header["Sec-Websocket-Protocol"]
				return ws.Accept(ctx, parley.WebSocketAccept{Subprotocol: test.choose})
			})
			who := authWith(auth.NewSubprotocol(newBearer()))
			ws := parleytest.Dial(t, who(app), get("/"), test.offered...)
			if test.status != 0 {
				if got := ws.Denial().Status; got != test.status {
					t.Errorf("status %d", got)
				}
				return
			}
			if got := ws.Accept().Subprotocol; got != test.answer {
				t.Errorf("answer %q, want %q", got, test.answer)
			}
			if lines := fmt.Sprint(header); seen != test.seen ||
				strings.ReplaceAll(lines, ",", "") != seen ||
				seen == "[]" && header != nil {
				t.Errorf("the app sees %s and %q", seen, header)
			}
		})
	}
}
