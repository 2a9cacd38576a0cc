package router_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

// tape is a conn that keeps what is sent. Nothing is received on it.
type tape struct {
	sent []parley.Event
}

func (c *tape) Receive(ctx context.Context) (parley.Event, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func (c *tape) Send(_ context.Context, event parley.Event) error {
	c.sent = append(c.sent, event)
	return nil
}

// status returns the status of the answer on the tape, or 0.
func (c *tape) status() int {
	status, _, _ := c.answer()
	return status
}

func (c *tape) answer() (status int, header http.Header, body string) {
	for _, event := range c.sent {
		switch event := event.(type) {
		case parley.HTTPResponseStart:
			status, header = event.Status, event.Header
		case parley.HTTPResponseBody:
			body += string(event.Body)
		case parley.WebSocketDeny:
			return event.Status, event.Header, string(event.Body)
		}
	}
	return status, header, body
}

// visit is what a test app saw of a conversation.
type visit struct {
	app     string
	pattern string
	root    string
	path    string // below root
	values  map[string]string
}

// guestbook makes apps that note who visits them.
type guestbook struct {
	visits []visit
}

// app returns an app that notes a visit under its name. It reads the path values
// given.
func (g *guestbook) app(name string, values ...string) parley.App {
	return parley.AppFunc(func(_ context.Context, scope *parley.Scope, _ parley.Conn) error {
		v := visit{app: name, pattern: scope.Request.Pattern, root: scope.RootPath,
			path: scope.RoutePath(), values: map[string]string{}}
		for _, value := range values {
			v.values[value] = scope.PathValue(value)
		}
		g.visits = append(g.visits, v)
		return nil
	})
}

// last returns the only visit, or none.
func (g *guestbook) last(t *testing.T) visit {
	t.Helper()
	switch len(g.visits) {
	case 0:
		return visit{}
	case 1:
		return g.visits[0]
	}
	t.Fatalf("more than one app was served: %+v", g.visits)
	return visit{}
}

// scopeFor makes a scope of "[METHOD] [ws:]target". A target may begin with a
// host.
func scopeFor(target string) *parley.Scope {
	method, rest, found := strings.Cut(target, " ")
	if !found {
		method, rest = http.MethodGet, target
	}
	rest, socket := strings.CutPrefix(rest, "ws:")
	host, path, _ := strings.Cut(rest, "/")
	r := httptest.NewRequest(method, "/"+path, nil)
	if host != "" {
		r.Host = host
	}
	scope := &parley.Scope{Protocol: parley.HTTP, Request: r}
	if socket {
		scope.Protocol = parley.WebSocket
	}
	return scope
}

// serve runs one conversation.
func serve(t *testing.T, app parley.App, scope *parley.Scope) *tape {
	t.Helper()
	conn := new(tape)
	if err := app.Serve(t.Context(), scope, conn); err != nil {
		t.Fatalf("Serve: %v", err)
	}
	return conn
}

func mustPanic(t *testing.T, f func()) (message string) {
	t.Helper()
	defer func() {
		value := recover()
		if value == nil {
			t.Fatal("no panic")
		}
		message = fmt.Sprint(value)
	}()
	f()
	return ""
}
