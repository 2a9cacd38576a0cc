package auth_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/parleytest"
)

// TestOfferWithoutSocket: of what a client without a socket offers the app sees neither
// "bearer" nor the token, wherever they stand, and cannot answer with either.
func TestOfferWithoutSocket(t *testing.T) {
	token := tokenFor(t, "ann", time.Hour)
	query := func(offer string) string {
		return "/?a=%zz&protocols=" + url.QueryEscape(offer) + "&b=1"
	}
	for _, test := range []struct{ name, target, header, seen string }{
		{"alone", "/", "bearer, " + token, "[]"},
		{"before another", "/", "bearer," + token + ",chat.v1", "[chat.v1]"},
		{"behind another", "/", "chat.v1, bearer, " + token, "[chat.v1]"},
		{"twice", "/", "bearer, " + token + ", chat.v1, bearer, " + token, "[chat.v1]"},
		{"no token", "/", "chat.v1, bearer", "[chat.v1]"},
		{"in the query", query("bearer, " + token + ", chat.v1"), "", "[chat.v1]"},
		{"in both", query("bearer, " + token + ", chat.v2"), "bearer, " + token + ", chat.v1",
			"[chat.v1 chat.v2]"},
		{"one by one", "/?a=%zz&protocols=bearer&protocols=" + token + "&protocols=chat.v1&b=1", "",
			"[chat.v1]"},
		{"over both", query(token + ", chat.v1"), "bearer", "[chat.v1]"},
		{"under another spelling", "/?%70rotocols=%62earer," + token + ",chat.v1", "", "[chat.v1]"},
		{"no bearer", query("chat.v2"), "chat.v1", "[chat.v1 chat.v2]"},
		{"nothing", "/", "", "[]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var seen, all string
			app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
				r := ws.Scope().Request
				seen = fmt.Sprint(ws.Scope().Subprotocols)
				all = fmt.Sprint(r.Header, r.URL, r.RequestURI)
				return ws.Deny(ctx, parley.WebSocketDeny{Status: 403})
			})
			below := fallback.New(app, fallback.Options{Logger: slog.New(slog.DiscardHandler)})
			r := get(test.target)
			if test.header != "" {
				r.Header.Set("Parley-Protocols", test.header)
			}
			who := authWith(auth.NewSubprotocol(newBearer()))
			if got := parleytest.Do(t, who(below), r).Status; got != 403 {
				t.Errorf("status %d", got)
			}
			if seen != test.seen || strings.Contains(all, token) || strings.Contains(all, "bearer") {
				t.Errorf("the app sees %s and %s", seen, all)
			}
			if strings.Contains(test.target, "b=1") && !strings.Contains(all, "a=%zz&") {
				t.Errorf("the query has changed: %s", all)
			}
		})
	}
}
