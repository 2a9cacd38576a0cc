package fallback_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/parleytest"
)

// A client that opens a session has nothing of it, whatever cursor it comes with: an
// earlier session's, or one that it has made up.
func TestOpensWithACursor(t *testing.T) {
	for name, from := range map[string]func(r *http.Request){
		"query":    func(r *http.Request) { r.URL.RawQuery = "cursor=2" },
		"no id":    func(r *http.Request) { r.Header.Set("Last-Event-ID", ".2") },
		"the last": func(r *http.Request) { r.URL.RawQuery = "cursor=9223372036854775807" },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, streams bool) {
				app := serve(t, new(host).echo(), fallback.Options{})
				c := &client{t: t, app: app, streams: streams}
				c.as = func(r *http.Request) *http.Request {
					from(r)
					return r
				}
				c.mustOpen()
				c.as = nil
				for _, text := range []string{"one", "two", "three"} {
					c.post(text)
				}
				if got := strings.Join(c.texts(3), " "); got != "one two three" {
					t.Errorf("got %q", got)
				}
			})
		})
	}
}

// A message that is still coming when its session ends is not waited for.
func TestUploadsEndWithTheSession(t *testing.T) {
	for name, end := range map[string]func(app *fallback.App, c *client, u *users){
		"logout":   func(_ *fallback.App, _ *client, u *users) { u.logout("ann") },
		"drain":    func(app *fallback.App, c *client, _ *users) { app.Close(c.t.Context()) },
		"goodbye":  func(_ *fallback.App, c *client, _ *users) { c.goodbye(0, "") },
		"lost":     func(*fallback.App, *client, *users) { time.Sleep(time.Minute) },
		"operator": func(app *fallback.App, _ *client, _ *users) { endAll(app, parley.ErrKicked) },
	} {
		for _, beats := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				each(t, func(t *testing.T, streams bool) {
					u := new(users)
					served := serve(t, beating(new(host).echo()), fallback.Options{})
					c := (&client{t: t, app: u.wrap(served), streams: streams, as: as("ann")}).mustOpen()
					if streams {
						c.x.Vanish()
					}
					r := c.request("POST", "")
					if beats { // as a ping has it
						r.ContentLength = int64(len(`{"type":"parley.ping"}`))
					}
					slow := parleytest.Upload(t, c.app, r)
					slow.Send("it is on")
					synctest.Wait()
					end(served, c, u)
					synctest.Wait()
					if got := slow.Status(); got != 410 {
						t.Errorf("status %d", got)
					}
					settled(t, served)
				})
			})
		}
	}
}

// beating has the session answer pings by itself.
func beating(app parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		conn.(interface{ Beat() }).Beat()
		return app.Serve(ctx, scope, conn)
	})
}

func endAll(app *fallback.App, cause error) {
	for open := range app.Conversations() {
		app.End(open.ID, cause)
	}
}

// No cache keeps the answer to a handshake for others, unless the app says that it may.
func TestDenialsAreNotKept(t *testing.T) {
	for want, header := range map[string]http.Header{
		"no-store": nil, "max-age=1": {"cache-control": {"max-age=1"}},
	} {
		for name, deny := range map[string]func(ctx context.Context, conn parley.Conn) error{
			"whole": func(ctx context.Context, conn parley.Conn) error {
				return conn.Send(ctx, parley.WebSocketDeny{Status: 404, Header: header})
			},
			"in parts": func(ctx context.Context, conn parley.Conn) error {
				err := conn.Send(ctx, parley.WebSocketResponseStart{Status: 404, Header: header})
				if err != nil {
					return err
				}
				return conn.Send(ctx, parley.WebSocketResponseBody{})
			},
		} {
			app := serve(t, parley.AppFunc(func(
				ctx context.Context, _ *parley.Scope, conn parley.Conn,
			) error {
				return deny(ctx, conn)
			}), fallback.Options{})
			got := parleytest.Do(t, app, (&client{}).get())
			if value := got.Header.Get("Cache-Control"); value != want || got.Status != 404 {
				t.Errorf("%s: %d with %q, want %q", name, got.Status, value, want)
			}
		}
	}
}

// Browsers drop a cookie that does not keep what its name promises.
func TestNamesThatPromise(t *testing.T) {
	for _, test := range []struct{ name, path, target, want string }{
		{"__Host-secret", "", "http://example.com/chat", "; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"__host-secret", "/", "https://example.com/chat", "; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"__Secure-a", "", "http://example.com/chat", "; Path=/chat; HttpOnly; Secure; SameSite=Lax"},
		{"secret__Host-", "", "http://example.com/chat", "; Path=/chat; HttpOnly; SameSite=Lax"},
	} {
		options := fallback.Options{CookieName: test.name, CookiePath: test.path}
		app := serve(t, new(host).echo(), options)
		r := httptest.NewRequest("GET", test.target, nil)
		got := parleytest.Do(t, app, r).Header.Get("Set-Cookie")
		if !strings.HasPrefix(got, test.name+"=") || !strings.HasSuffix(got, test.want) {
			t.Errorf("%s: %q", test.name, got)
		}
	}
}
