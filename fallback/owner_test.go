package fallback_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/internal/testlog"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

// Whoever has the id of a session and nothing else has nothing, whatever it tries.
func TestStrangers(t *testing.T) {
	nobody, keeper, ann := client{}, client{secret: "new"}, client{as: as("ann")}
	for _, test := range []struct {
		name   string
		owner  client
		thief  func(thief *client)
		status int
	}{
		{"no secret", nobody, func(c *client) { c.cookie = nil }, 404},
		{"wrong cookie", nobody, func(c *client) { c.cookie.Value = strings.Repeat("A", 26) }, 404},
		{"empty cookie", nobody, func(c *client) { c.cookie.Value = "" }, 404},
		{"no header", keeper, func(c *client) { c.secret = "" }, 404},
		{"wrong header", keeper, func(c *client) { c.secret = strings.Repeat("A", 26) }, 404},
		{"asking for a secret", keeper, func(c *client) { c.secret = "new" }, 404},
		{"a user", nobody, func(c *client) { c.cookie, c.as = nil, as("bob") }, 404},
		{"another user", ann, func(c *client) { c.as = as("bob") }, 404},
		{"nobody", ann, func(c *client) { c.as = nil }, 404},
		{"a token that is no good", ann, func(c *client) { c.as = as("forged") }, 500},
	} {
		t.Run(test.name, func(t *testing.T) {
			each(t, func(t *testing.T, streams bool) {
				h, u := new(host), new(users)
				app := serve(t, h.echo(), fallback.Options{})
				owner := test.owner
				owner.t, owner.app, owner.streams = t, u.wrap(app), streams
				owner.mustOpen()
				thief := owner
				if owner.cookie != nil {
					cookie := *owner.cookie
					thief.cookie = &cookie
				}
				test.thief(&thief)
				nobody := thief
				nobody.session = "NOSUCHSESSIONNOSUCHSESSION"
				for _, method := range []string{"GET", "POST", "DELETE"} {
					stolen, none := thief.try(method), nobody.try(method)
					if stolen.Status != test.status || stolen.Body != none.Body {
						t.Errorf("%s: %d %q", method, stolen.Status, stolen.Body)
					}
					if none.Status != stolen.Status {
						t.Errorf("%s of no session: %d", method, none.Status)
					}
				}
				owner.post("mine")
				if got := owner.message(); got != "mine" {
					t.Errorf("the owner got %q", got)
				}
				if len(h.log) != 1 {
					t.Errorf("the app has heard %q", h.log)
				}
			})
		})
	}
}

// try has a client use its session.
func (c *client) try(method string) *parleytest.Response {
	c.t.Helper()
	r := c.request(method, "stolen")
	if method == "GET" {
		r = c.get()
	}
	return parleytest.Do(c.t, c.app, r)
}

// The secret is in one cookie for all of a browser's pages here, out of reach of
// scripts, or in a header for clients that ask for it. Users have none.
func TestSecret(t *testing.T) {
	u := new(users)
	served := serve(t, new(host).echo(), fallback.Options{})
	first := (&client{t: t, app: u.wrap(served), target: "/chat/a%20b"}).mustOpen()
	if got := first.cookie; got == nil || !got.HttpOnly || got.Secure ||
		got.SameSite != http.SameSiteLaxMode || got.Path != "/chat/a%20b" ||
		len(got.Value) < 26 || got.Name != "parley-fallback" {
		t.Errorf("%+v", got)
	}
	second := &client{t: t, app: served, cookie: first.cookie}
	got := parleytest.Do(t, served, second.get())
	if got.Status != 200 || got.Header.Get("Set-Cookie")+got.Header.Get("Parley-Secret") != "" {
		t.Errorf("a browser that has a secret: %v", got.Header)
	}
	keeper := (&client{t: t, app: served, secret: "new"}).mustOpen()
	if len(keeper.secret) < 26 || keeper.cookie != nil {
		t.Errorf("%q, %v", keeper.secret, keeper.cookie)
	}
	ann := (&client{t: t, app: u.wrap(served), as: as("ann")}).mustOpen()
	if ann.secret != "" || ann.cookie != nil {
		t.Errorf("%q, %v", ann.secret, ann.cookie)
	}
	for _, short := range []string{"", "A", strings.Repeat("A", 1000)} {
		c := &client{t: t, app: served, cookie: &http.Cookie{Name: "parley-fallback", Value: short}}
		c.mustOpen()
		if c.cookie.Value == short {
			t.Errorf("the secret is %q", short)
		}
	}
	r := httptest.NewRequest("GET", "https://example.com/;x", nil)
	cookie := parleytest.Do(t, served, r).Header.Get("Set-Cookie")
	if !strings.HasSuffix(cookie, "; Path=/; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("%q", cookie)
	}
	moved := serve(t, new(host).echo(), fallback.Options{CookieName: "x", CookiePath: "/behind"})
	cookie = parleytest.Do(t, moved, r).Header.Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "x=") || !strings.Contains(cookie, "Path=/behind;") {
		t.Errorf("%q", cookie)
	}
}

// Who is not let in is told no secret.
func TestNoSecret(t *testing.T) {
	app := serve(t, parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		return ws.Deny(ctx, parley.WebSocketDeny{Status: 401})
	}), fallback.Options{})
	for _, secret := range []string{"", "new"} {
		got := parleytest.Do(t, app, (&client{secret: secret}).get())
		if got.Status != 401 || got.Header.Get("Set-Cookie")+got.Header.Get("Parley-Secret") != "" {
			t.Errorf("%+v", got)
		}
	}
}

// A logout ends the session at once, wherever the client is.
func TestLogout(t *testing.T) {
	for _, where := range []string{"attached", "between requests", "before the accept"} {
		t.Run(where, func(t *testing.T) {
			each(t, func(t *testing.T, streams bool) {
				h, u := new(host), new(users)
				served := serve(t, h.echo(), fallback.Options{})
				c := &client{t: t, app: u.wrap(served), streams: streams, as: as("ann")}
				if where == "before the accept" {
					c.as = as("expiring")
					expired(t, parleytest.Do(t, c.app, c.get()))
					settled(t, served)
					return
				}
				c.mustOpen()
				if where == "attached" {
					c.attach()
					synctest.Wait()
				} else if streams {
					c.x.Vanish()
				}
				began := time.Now()
				u.logout("ann")
				synctest.Wait()
				if got := h.causes(); len(got) != 1 || !errors.Is(got[0], parley.ErrAuthExpired) {
					t.Errorf("ended with %v", got)
				}
				if waited := time.Since(began); waited != 0 {
					t.Errorf("ended after %v", waited)
				}
				if where == "attached" {
					if got := c.ended(); got != 4401 {
						t.Errorf("closed with %d", got)
					}
				}
				if got := c.post("x"); got != 410 && got != 404 {
					t.Errorf("posting afterwards: %d", got)
				}
				if got := served.Stats(); got.Revoked != 1 || u.watching() != 0 {
					t.Errorf("%+v, %d watches", got, u.watching())
				}
				settled(t, served)
			})
		})
	}
}

func expired(t *testing.T, got *parleytest.Response) {
	t.Helper()
	if !errors.Is(got.Err, parley.ErrAuthExpired) || got.Status != 401 {
		t.Errorf("%+v", got)
	}
}

// What the client has sent before a logout is not heard after it.
func TestLogoutDropsMessages(t *testing.T) {
	each(t, func(t *testing.T, streams bool) {
		h, u := new(host), new(users)
		served := serve(t, slow(h.echo()), fallback.Options{})
		c := (&client{t: t, app: u.wrap(served), streams: streams, as: as("ann")}).mustOpen()
		c.post("unheard")
		u.logout("ann")
		time.Sleep(time.Minute)
		if len(h.log) != 0 {
			t.Errorf("the app has heard %q", h.log)
		}
	})
}

// Credentials that have ceased to hold open nothing, and leave nothing, and neither
// does a watch that panics.
func TestExpired(t *testing.T) {
	for name, err := range map[string]error{"expired": parley.ErrAuthExpired, "unlucky": parley.ErrAppPanic} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, streams bool) {
				served := serve(t, new(host).echo(), fallback.Options{})
				c := &client{t: t, app: new(users).wrap(served), streams: streams, as: as(name)}
				if got := parleytest.Do(t, c.app, c.get()); !errors.Is(got.Err, err) || got.Status == 200 {
					t.Errorf("%+v", got)
				}
				if got := served.Stats(); got.Sessions != 0 || got.Running != 0 || got.Opened != 0 {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

// A page of another origin opens nothing, unless somebody lets it in.
func TestForeignPage(t *testing.T) {
	request := func(header ...string) *http.Request {
		r := (&client{}).get()
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return r
	}
	var log testlog.Lines
	app := serve(t, new(host).echo(), fallback.Options{Logger: log.Logger()})
	for _, test := range []struct {
		header []string
		status int
	}{
		{nil, 200},
		{[]string{"Origin", "http://example.com"}, 200},
		{[]string{"Origin", "http://evil.example"}, 403},
		{[]string{"Origin", "null"}, 403},
		{[]string{"Sec-Fetch-Site", "same-origin"}, 200},
		{[]string{"Sec-Fetch-Site", "cross-site"}, 403},
	} {
		if got := parleytest.Do(t, app, request(test.header...)); got.Status != test.status {
			t.Errorf("%q: %d, want %d", test.header, got.Status, test.status)
		}
	}
	if log.Len() != 1 {
		t.Errorf("logged %s", log.String())
	}
}

// A list of origins, a check and middleware below let others in.
func TestOrigins(t *testing.T) {
	decides := func(err error) func(*http.Request) error {
		return func(*http.Request) error { return err }
	}
	shop := middleware.NewOrigin(middleware.OriginOptions{Allow: []string{"shop.example"}})
	echo := new(host).echo()
	below := serve(t, shop.Wrap(echo), fallback.Options{})
	checked := serve(t, echo, fallback.Options{CheckOrigin: decides(nil)})
	refused := serve(t, echo, fallback.Options{CheckOrigin: decides(errTest)})
	for _, test := range []struct {
		name, origin string
		app          *fallback.App
		status       int
	}{
		{"listed", "https://shop.example", listed(t), 200},
		{"not listed", "http://example.com", listed(t), 403},
		{"by the middleware", "https://shop.example", below, 200},
		{"by nobody", "https://evil.example", below, 403},
		{"checked", "https://evil.example", checked, 200},
		{"refused", "http://example.com", refused, 403},
	} {
		r := (&client{}).get()
		r.Header.Set("Origin", test.origin)
		if got := parleytest.Do(t, test.app, r); got.Status != test.status {
			t.Errorf("%s: %d, want %d", test.name, got.Status, test.status)
		}
	}
}

func listed(t *testing.T) *fallback.App {
	return serve(t, new(host).echo(), fallback.Options{Origins: []string{"https://shop.example"}})
}

// slow is an app that takes its time before it receives a message.
func slow(app parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return app.Serve(ctx, scope, &slowConn{Conn: conn})
	})
}

type slowConn struct {
	parley.Conn
	received int
}

func (c *slowConn) Receive(ctx context.Context) (parley.Event, error) {
	if c.received++; c.received > 1 {
		time.Sleep(10 * time.Second)
	}
	return c.Conn.Receive(ctx)
}
