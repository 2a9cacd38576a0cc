package auth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/auth"
)

// Who looks on at a gateway sees who is logged in, on sockets and on requests whose app
// has asked, through all the conns that stand between.
func TestUsersAreShown(t *testing.T) {
	s := newSite()
	cookie := s.login(t, "", "ann")
	var gateway *nethttp.Gateway
	seen := make(chan string, 1)
	app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		ctx, cancel := context.WithCancel(ctx) // from here on it is listed
		defer cancel()
		if _, err := auth.IdentityFrom(ctx); err != nil && scope.Protocol == parley.HTTP {
			seen <- "nobody"
			return err
		}
		for c := range gateway.Conversations() {
			seen <- c.User
		}
		return parley.Answer(ctx, scope, conn, 403, nil, nil)
	})
	gateway = nethttp.Handler(s.app(app))
	server := httptest.NewServer(gateway)
	defer server.Close()
	for _, test := range []struct{ name, cookie, want string }{
		{"http", cookie, "ann"}, {"ws", cookie, "ann"}, {"ws", "", ""}, {"http", "", "nobody"},
		{"http", cookie, "ann"},
	} {
		header := http.Header{"Cookie": {test.cookie}, "Origin": {server.URL}}
		if test.name == "ws" {
			websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), header)
		} else {
			r, _ := http.NewRequest("GET", server.URL, nil)
			r.Header = header
			answer, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
		}
		if got := <-seen; got != test.want {
			t.Errorf("%s with %q: user %q, want %q", test.name, test.cookie, got, test.want)
		}
	}
}
