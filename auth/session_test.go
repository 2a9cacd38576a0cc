package auth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/parleytest"
)

// newSessions makes a manager as scs.New does, but without its goroutine.
func newSessions() *scs.SessionManager {
	return &scs.SessionManager{
		Lifetime: 24 * time.Hour, Store: memstore.NewWithCleanupInterval(0), Codec: scs.GobCodec{},
		Cookie: scs.SessionCookie{
			Name: "session", Path: "/", HttpOnly: true, Persist: true, SameSite: http.SameSiteLaxMode,
		},
	}
}

// stored saves a session with values given as key, value and returns its cookie.
func stored(t *testing.T, manager *scs.SessionManager, values ...string) string {
	t.Helper()
	ctx, err := manager.Load(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(values); i += 2 {
		manager.Put(ctx, values[i], values[i+1])
	}
	token, _, err := manager.Commit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return "session=" + token
}

// value reads one value of the session that a cookie stands for.
func value(t *testing.T, manager *scs.SessionManager, cookie, key string) string {
	t.Helper()
	ctx, err := manager.Load(context.Background(), strings.TrimPrefix(cookie, "session="))
	if err != nil {
		t.Fatal(err)
	}
	return manager.GetString(ctx, key)
}

// setCookie returns the cookie that a header sets, "" for none, "deleted".
func setCookie(header http.Header) string {
	cookies := (&http.Response{Header: header}).Cookies()
	switch {
	case len(cookies) == 0:
		return ""
	case len(cookies) > 1:
		return "several"
	case cookies[0].MaxAge < 0:
		return "deleted"
	}
	return cookies[0].Name + "=" + cookies[0].Value
}

func TestSessionRowsHTTP(t *testing.T) {
	type manager = *scs.SessionManager
	put := func(m manager, ctx context.Context) { m.Put(ctx, "a", "2") }
	for _, test := range []struct {
		name   string
		act    func(m manager, ctx context.Context)
		status int
		cookie string // "", "kept", "new" or "deleted"
	}{
		{"B5.4 not modified", func(m manager, ctx context.Context) { m.Get(ctx, "a") }, 200, ""},
		{"B5.4 modified", put, 200, "kept"},
		{"B5.4 modified, status 500", put, 500, ""},
		{"B5.4 modified, status 404", put, 404, "kept"},
		{"B5.4 emptied", func(m manager, ctx context.Context) { m.Clear(ctx) }, 200, "deleted"},
		{"B5.4 destroyed", func(m manager, ctx context.Context) { m.Destroy(ctx) }, 200, "deleted"},
		{"B5.4 renewed", func(m manager, ctx context.Context) { m.RenewToken(ctx) }, 200, "new"},
	} {
		t.Run(test.name, func(t *testing.T) {
			manager := newSessions()
			app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
				if got := manager.GetString(ctx, "a"); got != "1" {
					t.Errorf("a is %q", got)
				}
				test.act(manager, ctx)
				return parley.Respond(ctx, conn, test.status, nil, nil)
			})
			cookie := stored(t, manager, "a", "1")
			answer := parleytest.Do(t, auth.LoadAndSave(manager)(app), get("/", "Cookie", cookie))
			got := setCookie(answer.Header)
			switch test.cookie {
			case "kept":
				if got != cookie || value(t, manager, cookie, "a") != "2" {
					t.Errorf("cookie %q", got)
				}
			case "new":
				if got == cookie || value(t, manager, got, "a") != "1" || value(t, manager, cookie, "a") != "" {
					t.Errorf("cookie %q", got)
				}
			default:
				if got != test.cookie || (value(t, manager, cookie, "a") == "") != (got == "deleted") {
					t.Errorf("cookie %q, a is %q", got, value(t, manager, cookie, "a"))
				}
			}
		})
	}
}

func TestSessionB5_1Cookies(t *testing.T) {
	manager := newSessions()
	var got string
	app := auth.LoadAndSave(manager)(parley.AppFunc(func(
		ctx context.Context, scope *parley.Scope, conn parley.Conn,
	) error {
		got = manager.GetString(ctx, "a")
		return parley.Respond(ctx, conn, 200, nil, nil)
	}))
	first, second := stored(t, manager, "a", "first"), stored(t, manager, "a", "second")
	for _, test := range []struct {
		name    string
		cookies []string
		want    string
	}{
		{"two lines", []string{"b=1", first}, "first"},
		{"duplicate: first wins", []string{first + "; " + second}, "first"},
		{"none", nil, ""},
		{"unknown token", []string{"session=AAAA"}, ""},
		{"too long", []string{"session=" + strings.Repeat("a", 300)}, ""},
		{"nonsense", []string{";;=;\x00"}, ""},
	} {
		r := get("/")
		r.Header["Cookie"] = test.cookies
		got = "not called"
		if status := parleytest.Do(t, app, r).Status; status != 200 || got != test.want {
			t.Errorf("%s: %d, a is %q, want %q", test.name, status, got, test.want)
		}
	}
	refusedBoth(t, auth.LoadAndSave(manager), 400, get("/", "Cookie", strings.Repeat("a=b; ", 2<<20)))
	most := strings.Repeat("c", 64<<10)
	refusedBoth(t, auth.LoadAndSave(manager), 400, get("/", "Cookie", most[1:], "Cookie", "ab"))
	sizeable := get("/", "Cookie", most[1:], "Cookie", "a")
	if got := parleytest.Do(t, auth.LoadAndSave(manager)(new(inner)), sizeable).Status; got != 200 {
		t.Errorf("64 KiB of cookies: status %d", got)
	}
}

func TestSessionB5_5Socket(t *testing.T) {
	manager := newSessions()
	app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		manager.Put(ctx, "a", "at accept")
		own := http.Header{"X-Own": {"1"}}
		if err := ws.Accept(ctx, parley.WebSocketAccept{Header: own}); err != nil {
			return err
		}
		manager.Put(ctx, "a", "later")
		if err := auth.SaveSession(ctx); err != nil {
			return err
		}
		_, err := ws.Read(ctx)
		manager.Put(ctx, "a", "never")
		return err
	})
	ws := parleytest.Dial(t, auth.LoadAndSave(manager)(app), get("/"))
	header := ws.Accept().Header
	cookie := setCookie(header)
	if cookie == "" || header.Get("X-Own") != "1" {
		t.Fatalf("accept's headers: %v", header)
	}
	ws.Close(1000, "")
	ws.Wait()
	if got := value(t, manager, cookie, "a"); got != "later" {
		t.Errorf("a is %q", got)
	}
}

// A handshake that an app closes is denied, and saves the session like other answers.
func TestSessionB5_5Closed(t *testing.T) {
	manager := newSessions()
	app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		manager.Put(ctx, "a", "at the close")
		return ws.Close(ctx, parley.CloseNormal, "")
	})
	for _, live := range []bool{false, true} {
		cookie := setCookie(shake(t, auth.LoadAndSave(manager)(app), live))
		if got := value(t, manager, cookie, "a"); got != "at the close" {
			t.Errorf("live %v: a is %q", live, got)
		}
	}
}

func TestSessionB5_6Gone(t *testing.T) {
	manager := newSessions()
	cookie := stored(t, manager, "a", "1")
	token := strings.TrimPrefix(cookie, "session=")
	app := auth.LoadAndSave(manager)(parley.AppFunc(func(
		ctx context.Context, scope *parley.Scope, conn parley.Conn,
	) error {
		manager.Store.Delete(token) // another request logs out
		manager.Put(ctx, "a", "2")
		return parley.Respond(ctx, conn, 200, nil, nil)
	}))
	got := parleytest.Do(t, app, get("/", "Cookie", cookie))
	if setCookie(got.Header) != "" || value(t, manager, cookie, "a") != "" {
		t.Errorf("the session is back: %v", got.Header)
	}

	cookie = stored(t, manager, "a", "1")
	token = strings.TrimPrefix(cookie, "session=")
	socket := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := auth.SaveSession(ctx); err != nil {
			t.Error(err) // the accept will save it
		}
		ws.Accept(ctx, parley.WebSocketAccept{})
		manager.Store.Delete(token)
		manager.Put(ctx, "a", "2")
		return auth.SaveSession(ctx)
	})
	ws := parleytest.Dial(t, auth.LoadAndSave(manager)(socket), get("/", "Cookie", cookie))
	if err := ws.Wait(); !errors.Is(err, auth.ErrSessionGone) {
		t.Error(err)
	}
}

func TestSessionSaveTooLate(t *testing.T) {
	manager := newSessions()
	app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		ws.Accept(ctx, parley.WebSocketAccept{})
		manager.Put(ctx, "a", "1")
		return auth.SaveSession(ctx)
	})
	ws := parleytest.Dial(t, auth.LoadAndSave(manager)(app), get("/"))
	if err := ws.Wait(); !errors.Is(err, auth.ErrTooLate) {
		t.Error(err)
	}
	if err := auth.SaveSession(t.Context()); err != auth.ErrNoSession {
		t.Error(err)
	}
}

// A second Session, and scs's own middleware above, leave nothing to do.
func TestSessionB5_3Passive(t *testing.T) {
	manager := newSessions()
	app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		manager.Put(ctx, "a", "1")
		return parley.Respond(ctx, conn, 200, nil, nil)
	})
	for name, above := range map[string]parley.Middleware{
		"Session": auth.LoadAndSave(manager), "LoadAndSave": nethttp.Middleware(manager.LoadAndSave),
	} {
		both := parley.Chain(app, above, auth.LoadAndSave(manager))
		got := setCookie(parleytest.Do(t, both, get("/")).Header)
		if value(t, manager, got, "a") != "1" {
			t.Errorf("%s: cookie %q", name, got)
		}
	}
	passesOthers(t, auth.LoadAndSave(manager))
}

// What docs/auth.md says of sessions in a bubble.
func TestSessionsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		manager := newSessions()
		cookie := stored(t, manager, "a", "1")
		time.Sleep(23 * time.Hour)
		if got := value(t, manager, cookie, "a"); got != "1" {
			t.Errorf("a is %q", got)
		}
		time.Sleep(2 * time.Hour)
		if got := value(t, manager, cookie, "a"); got != "" {
			t.Errorf("after its lifetime a is %q", got)
		}
	})
}
