package nethttp_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/middleware"
)

const stranger = "Origin: https://evil.example"

func listed(allow ...string) parley.Middleware {
	return middleware.NewOrigin(middleware.OriginOptions{Allow: allow}).Wrap
}

// TestOneListDecides: a gateway without a list of its own asks those that stand on
// the way to the app, and refuses a foreign page when nobody has let it in.
func TestOneListDecides(t *testing.T) {
	teapot := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return parley.Answer(ctx, scope, conn, http.StatusTeapot, nil, nil)
	})
	var plain nethttp.Options
	both := nethttp.Options{CheckOrigin: nethttp.SameOrigin}
	for _, c := range []struct {
		name    string
		app     parley.App
		options nethttp.Options
		header  []string
		want    string
	}{
		{"a program", echo, plain, nil, "101"},
		{"this host", echo, plain, []string{"Origin: http://example.test"}, "101"},
		{"this host over TLS of a proxy", echo, plain, []string{"Origin: https://example.test"}, "101"},
		{"this host as native clients write it", echo, plain, []string{"Origin: wss://example.test"},
			"101"},
		{"another port", echo, plain, []string{"Origin: http://example.test:8080"}, "403"},
		{"no page", echo, plain, []string{"Origin: null"}, "403"},
		{"two origins", echo, plain, []string{"Origin: http://example.test",
			"Origin: http://example.test"}, "403"},
		{"the browser knows better", echo, plain,
			[]string{"Origin: http://example.test", "Sec-Fetch-Site: cross-site"}, "403"},
		{"behind a proxy that changes Host", echo, plain,
			[]string{"Origin: http://y", "Sec-Fetch-Site: same-origin"}, "101"},
		{"a stranger", echo, plain, []string{stranger}, "403"},
		{"a stranger, answered by the app", teapot, plain, []string{stranger}, "418"},
		{"a stranger, sent away", parley.Chain(echo, allowing(func(*parley.Scope) bool { return false })),
			plain, []string{stranger}, "404"},
		{"a stranger, listed", parley.Chain(echo, listed(".evil.example")), plain, []string{stranger},
			"101"},
		{"a stranger, listed below net/http middleware",
			parley.Chain(dispatch(echo), nethttp.Middleware(through), wrapping,
				listed("*")), plain, []string{stranger}, "101"},
		{"a stranger, listed above one who did not",
			parley.Chain(echo, listed("*"), listed("good.example")), plain, []string{stranger}, "403"},
		{"a stranger, not listed", parley.Chain(echo, listed("good.example")), plain, []string{stranger},
			"403"},
		{"a stranger, listed where the gateway checks itself", parley.Chain(echo, listed("*")), both,
			[]string{stranger}, "403"},
		{"a stranger, trial of a list", parley.Chain(echo,
			middleware.NewOrigin(middleware.OriginOptions{ReportOnly: true}).Wrap), plain, []string{stranger}, "403"},
		{"a stranger, no check", echo, nethttp.Options{InsecureSkipOriginCheck: true}, []string{stranger},
			"101"},
		{"a stranger, listed here", echo, nethttp.Options{Origins: []string{".evil.example"}},
			[]string{stranger}, "101"},
		{"a stranger, not listed here", echo, nethttp.Options{Origins: []string{"good.example"}},
			[]string{stranger}, "403"},
		{"a program, a list here", echo, nethttp.Options{Origins: []string{"good.example"}}, nil, "101"},
		{"a stranger, a library that checks, over events",
			parley.Chain(nethttp.App(gorillaEcho()), wrapping), plain, []string{stranger}, "403"},
		{"a stranger, a library that lets all in, over events",
			parley.Chain(nethttp.App(gorillaOpen()), wrapping), plain, []string{stranger}, "101"},
		{"a stranger, a library that checks", nethttp.App(gorillaEcho()), plain, []string{stranger},
			"403"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := adaptertest.Serve(t, gateway(dispatch(c.app), c.options))
			got := server.Exchange(getting("/", append(c.header, upgrade...)...), goodbye)
			if !strings.HasPrefix(got, "HTTP/1.1 "+c.want) {
				t.Errorf("got %.100q, want %s", got, c.want)
			}
		})
	}
}

// TestRefusedOriginsAreLogged: seldom, with what to set.
func TestRefusedOriginsAreLogged(t *testing.T) {
	for name, options := range map[string]nethttp.Options{
		"by default": {},
		"by a check": {CheckOrigin: nethttp.SameOrigin},
		"by a list":  {Origins: []string{"good.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&log, nil))
			options.Logger = logger
			server := adaptertest.Serve(t, nethttp.Handler(echo, options))
			for range 3 {
				server.Exchange(getting("/", append(upgrade, stranger)...), "")
			}
			for _, want := range []string{"level=WARN", "https://evil.example", "option", "path=/"} {
				if strings.Count(log.String(), want) != 1 {
					t.Errorf("not once %q in %s", want, &log)
				}
			}
		})
	}
}
