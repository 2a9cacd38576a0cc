package auth_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

// Every floor of the stack does its part, on a socket as on HTTP.
func TestStackB5_11(t *testing.T) {
	s := newSite()
	var records []string
	logger, log := recorder()
	stack := auth.Stack(auth.StackOptions{
		Proxies: middleware.NewTrustedProxies(middleware.ProxiesOptions{Trust: []string{"192.0.2.1"}}),
		AccessLog: &middleware.AccessLogOptions{Record: func(_ context.Context, a *middleware.Access) {
			records = append(records,
				fmt.Sprint(a.Protocol, " ", a.Status, " ", a.Remote, " ", a.User, " ", a.RequestID))
		}},
		Logger:    logger,
		Hosts:     []string{"shop.example"},
		RateLimit: middleware.NewRateLimit(middleware.RateLimitOptions{Connections: 10}),
		BodyLimit: middleware.NewBodyLimit(middleware.BodyLimitOptions{Max: 10}),
		Sessions:  s.manager,
		Auth:      s.options,
	})(whoami)
	cookie := s.login(t, "", "ann")
	common := []string{"X-Forwarded-For", "203.0.113.7", "X-Request-Id", "id", "Cookie", cookie}

	ws := parleytest.Dial(t, stack, get("http://shop.example/", common...))
	if got := ws.Receive().Text(); got != "ann" {
		t.Errorf("user %q", got)
	}
	ws.Close(1000, "")
	ws.Wait()
	for _, refused := range [][]string{
		{"http://evil.example/"}, {"http://shop.example/", "Origin", "http://evil.example"},
	} {
		parleytest.Dial(t, stack, get(refused[0], append(refused[1:], common...)...)).Denial()
	}
	common = append(common, "Origin", "http://shop.example")
	large := request("POST", "http://shop.example/", common...)
	large.ContentLength = 11
	if got := parleytest.Do(t, stack, large).Status; got != 413 {
		t.Errorf("status %d", got)
	}
	want := "websocket 101 203.0.113.7:0 ann id\nwebsocket 400 203.0.113.7:0  id\n" +
		"websocket 403 203.0.113.7:0  id\nhttp 413 203.0.113.7:0  id"
	if got := strings.Join(records, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, reason := range []string{"by=hosts reason=not-allowed", "by=origin reason=not-allowed"} {
		if !strings.Contains(log.String(), reason) {
			t.Errorf("no %q in %s", reason, log)
		}
	}
}

func TestStackIsSafeByDefault(t *testing.T) {
	stack := auth.Stack(auth.StackOptions{Logger: slog.New(slog.DiscardHandler)})
	app := new(inner)
	evil := parleytest.Dial(t, stack(app), get("/", "Origin", "http://evil.example")).Denial()
	if evil.Status != 403 || app.ran.Load() != 0 {
		t.Errorf("status %d", evil.Status)
	}
	parleytest.Dial(t, stack(app), get("/")).Accept()
	passesOthers(t, stack)
	logger, log := recorder()
	auth.Stack(auth.StackOptions{Logger: logger, Origin: middleware.OriginOptions{Allow: []string{}}})
	if !strings.Contains(log.String(), "refuses every socket") {
		t.Errorf("a list that refuses everybody is not logged: %s", log)
	}
	panicky := stack(parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error {
		panic("boom")
	}))
	ws := parleytest.Dial(t, panicky, get("/"))
	if got := ws.Denial().Status; got != 500 {
		t.Errorf("status %d", got)
	}
}
