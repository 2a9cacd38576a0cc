package middleware_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

// TestLinesAreBounded: a client that is not let in must not fill the disk: what a request
// writes into the log does not grow with it.
func TestLinesAreBounded(t *testing.T) {
	long := strings.Repeat("a", 100<<10)
	panics := parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error { panic("app") })
	for name, with := range map[string]func(logger *slog.Logger) parley.App{
		"access log": func(logger *slog.Logger) parley.App {
			return middleware.AccessLog(middleware.AccessLogOptions{Logger: logger})(new(inner))
		},
		"origin": func(logger *slog.Logger) parley.App {
			options := middleware.OriginOptions{Report: middleware.LogTo(logger)}
			return middleware.NewOrigin(options).Wrap(new(inner))
		},
		"hosts": func(logger *slog.Logger) parley.App {
			options := middleware.HostsOptions{Allow: []string{"a"}, Report: middleware.LogTo(logger)}
			return middleware.NewHosts(options).Wrap(new(inner))
		},
		"recover": func(logger *slog.Logger) parley.App {
			return middleware.Recover(middleware.RecoverOptions{Logger: logger})(panics)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var text bytes.Buffer
			app := with(slog.New(slog.NewTextHandler(&text, nil)))
			r := request(strings.ToUpper(long), "/"+long, "Origin", "http://"+long, "Referer", long,
				"User-Agent", long, "X-Request-Id", long)
			r.Host = long
			parleytest.Do(t, app, r)
			if size := text.Len(); size == 0 || size > 16<<10 {
				t.Errorf("%d bytes of log", size)
			}
		})
	}
}
