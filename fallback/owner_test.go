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
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

// Whoever has the id of a session and nothing else has nothing, whatever it tries.
func TestStrangers(t *testing.T) {
	for _, test := range []struct {
		name   string
		owner  client
		thief  func(thief, owner *client)
		status int
	}{
		{"nobody's, without the secret", client{}, func(thief, _ *client) { thief.cookie = nil }, 404},
		{"nobody's, with a wrong cookie", client{}, func(thief, _ *client) { thief.cookie.Value = "WRONGWRONGWRONGWRONGWRONGW" }, 404},
		{"nobody's, with an empty cookie", client{}, func(thief, _ *client) { thief.cookie.Value = "" }, 404},
		{"nobody's, from a header", client{secret: "new"}, func(thief, _ *client) { thief.secret = "" }, 404},
		{"nobody's, with a wrong header", client{secret: "new"}, func(thief, _ *client) { thief.secret = strings.Repeat("A", 26) }, 404},
		{"nobody's, asking for a secret", client{secret: "new"}, func(thief, _ *client) { thief.secret = "new" }, 404},
		{"nobody's, by somebody", client{}, func(thief, _ *client) { thief.cookie, thief.as = nil, as("bob") }, 404},
		{"a user's, by another", client{as: as("ann")}, func(thief, _ *client) { thief.as = as("bob") }, 404},
		{"a user's, by nobody", client{as: as("ann")}, func(thief, _ *client) { thief.as = nil }, 404},
		{"a user's, with a token that is no good", client{as: as("ann")}, func(thief, _ *client) { thief.as = as("forged") }, 500},
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
				test.thief(&thief, &owner)
				nobody := thief
				nobody.session = "NOSUCHSESSIONNOSUCHSESSION"
				for _, method := range []string{"GET", "POST", "DELETE"} {
					try := func(c *client) *parleytest.Response {
						r := c.request(method, "stolen")
						if method == "GET" {
							r = c.get()
						}
						return parleytest.Do(t, c.app, r)
					}
					stolen, none := try(&thief), try(&nobody)
					if stolen.Status != test.status || none.Status != stolen.Status || none.Body != stolen.Body {
						t.Errorf("%s: %d %q, and of no session %d %q", method, stolen.Status, stolen.Body, none.Status, none.Body)
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

// The secret is in one cookie for all of a browser's pages here, out of reach of
// scripts, or in a header for clients that ask for it. Users have none.
func TestSecret(t *testing.T) {
	u := new(users)
	served := serve(t, new(host).echo(), fallback.Options{})
	first := (&client{t: t, app: u.wrap(served), target: "/chat/a%20b"}).mustOpen()
	if got := first.cookie; got == nil || !got.HttpOnly || got.Secure || got.SameSite != http.SameSiteLaxMode ||
		got.Path != "/chat/a%20b" || len(got.Value) < 26 || got.Name != "parley-fallback" {
		t.Errorf("%+v", got)
	}
	second := &client{t: t, app: served, cookie: first.cookie}
	got := parleytest.Do(t, served, second.get())
	if header := got.Header; header.Get("Set-Cookie") != "" || header.Get("Parley-Secret") != "" || got.Status != 200 {
		t.Errorf("a browser that has a secret: %v", header)
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
		c := (&client{t: t, app: served, cookie: &http.Cookie{Name: "parley-fallback", Value: short}}).mustOpen()
		if c.cookie.Value == short {
			t.Errorf("the secret is %q", short)
		}
	}
	r := httptest.NewRequest("GET", "https://example.com/;x", nil)
	if got := parleytest.Do(t, served, r).Header.Get("Set-Cookie"); !strings.HasSuffix(got, "; Path=/; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("%q", got)
	}
	moved := serve(t, new(host).echo(), fallback.Options{CookieName: "x", CookiePath: "/behind"})
	if got := parleytest.Do(t, moved, r).Header.Get("Set-Cookie"); !strings.HasPrefix(got, "x=") || !strings.Contains(got, "Path=/behind;") {
		t.Errorf("%q", got)
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
					if got := parleytest.Do(t, c.app, c.get()); !errors.Is(got.Err, parley.ErrAuthExpired) || got.Status != 401 {
						t.Errorf("%+v", got)
					}
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
				if got := h.causes(); len(got) != 1 || !errors.Is(got[0], parley.ErrAuthExpired) || time.Since(began) != 0 {
					t.Errorf("ended with %v after %v", got, time.Since(began))
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

// Credentials that have ceased to hold open nothing, and leave nothing.
func TestExpired(t *testing.T) {
	each(t, func(t *testing.T, streams bool) {
		served := serve(t, new(host).echo(), fallback.Options{})
		c := &client{t: t, app: new(users).wrap(served), streams: streams, as: as("expired")}
		if got := parleytest.Do(t, c.app, c.get()); !errors.Is(got.Err, parley.ErrAuthExpired) || got.Status != 401 {
			t.Errorf("%+v", got)
		}
		if got := served.Stats(); got.Sessions != 0 || got.Opened != 0 {
			t.Errorf("%+v", got)
		}
	})
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
	var log lines
	app := serve(t, new(host).echo(), fallback.Options{Logger: log.logger()})
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
	if log.count() != 1 {
		t.Errorf("logged %s", log.text.String())
	}
	open := serve(t, new(host).echo(), fallback.Options{CheckOrigin: func(*http.Request) error { return nil }})
	if got := parleytest.Do(t, open, request("Origin", "http://evil.example")); got.Status != 200 {
		t.Errorf("%+v", got)
	}
	listed := serve(t, new(host).echo(), fallback.Options{Logger: silent, Origins: []string{"https://shop.example"}})
	for origin, status := range map[string]int{"https://shop.example": 200, "http://example.com": 403} {
		if got := parleytest.Do(t, listed, request("Origin", origin)); got.Status != status {
			t.Errorf("%s: %d, want %d", origin, got.Status, status)
		}
	}
	below := serve(t, middleware.NewOrigin(middleware.OriginOptions{
		Allow: []string{"shop.example"},
	}).Wrap(new(host).echo()), fallback.Options{})
	for origin, status := range map[string]int{"https://shop.example": 200, "https://evil.example": 403} {
		if got := parleytest.Do(t, below, request("Origin", origin)); got.Status != status {
			t.Errorf("%s, by the middleware: %d, want %d", origin, got.Status, status)
		}
	}
	shut := serve(t, new(host).echo(), fallback.Options{CheckOrigin: func(*http.Request) error { return errTest }})
	if got := parleytest.Do(t, shut, request()); got.Status != 403 {
		t.Errorf("%+v", got)
	}
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
