package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/parleytest"
)

// beside has a slow request load the session of cookie, a quick one run from its
// start to its end, and the slow one change it and answer then. It returns what
// cookies were set.
func beside(
	t *testing.T, manager *scs.SessionManager, cookie string,
	slow, quick func(ctx context.Context) error,
) (late, early string) {
	t.Helper()
	act := func(before func(), change func(ctx context.Context) error) string {
		app := auth.LoadAndSave(manager)(parley.AppFunc(
			func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
				before()
				if err := change(ctx); err != nil {
					return err
				}
				return parley.Respond(ctx, conn, 200, nil, nil)
			}))
		return setCookie(parleytest.Do(t, app, get("/", "Cookie", cookie)).Header)
	}
	late = act(func() { early = act(func() {}, quick) }, slow)
	return late, early
}

// Requests of one browser run at the same time, and none undoes what another did.
func TestSessionsSideBySide(t *testing.T) {
	put := func(m *scs.SessionManager, key, value string) func(context.Context) error {
		return func(ctx context.Context) error { m.Put(ctx, key, value); return nil }
	}
	for _, test := range []struct {
		name  string
		slow  func(m *scs.SessionManager) func(context.Context) error
		quick func(m *scs.SessionManager) func(context.Context) error
		late  string // the late answer's cookie: "", "kept", "new" or "deleted"
		early string // the other's, which the client has before
		want  string // what the session holds under a, b and c in the end
	}{
		{"reads beside a write",
			func(m *scs.SessionManager) func(context.Context) error {
				return func(ctx context.Context) error { m.Get(ctx, "a"); return nil }
			},
			func(m *scs.SessionManager) func(context.Context) error { return put(m, "a", "2") },
			"idle", "kept", "2 1 "},
		{"writes beside a write of another value",
			func(m *scs.SessionManager) func(context.Context) error { return put(m, "b", "2") },
			func(m *scs.SessionManager) func(context.Context) error { return put(m, "a", "2") },
			"kept", "kept", "2 2 "},
		{"writes beside a write of the same",
			func(m *scs.SessionManager) func(context.Context) error { return put(m, "a", "3") },
			func(m *scs.SessionManager) func(context.Context) error { return put(m, "a", "2") },
			"kept", "kept", "3 1 "},
		{"adds beside a removal",
			func(m *scs.SessionManager) func(context.Context) error { return put(m, "c", "2") },
			func(m *scs.SessionManager) func(context.Context) error {
				return func(ctx context.Context) error { m.Remove(ctx, "a"); return nil }
			},
			"kept", "kept", " 1 2"},
		{"removes beside an addition",
			func(m *scs.SessionManager) func(context.Context) error {
				return func(ctx context.Context) error { return m.Clear(ctx) }
			},
			func(m *scs.SessionManager) func(context.Context) error { return put(m, "c", "2") },
			"kept", "kept", "  2"},
		{"writes what is there already",
			func(m *scs.SessionManager) func(context.Context) error { return put(m, "a", "1") },
			func(m *scs.SessionManager) func(context.Context) error { return put(m, "a", "2") },
			"idle", "kept", "2 1 "},
		{"writes beside a renewal",
			func(m *scs.SessionManager) func(context.Context) error { return put(m, "b", "2") },
			func(m *scs.SessionManager) func(context.Context) error { return m.RenewToken },
			"", "new", "1 1 "},
		{"empties beside a renewal",
			func(m *scs.SessionManager) func(context.Context) error { return m.Clear },
			func(m *scs.SessionManager) func(context.Context) error { return m.RenewToken },
			"", "new", "1 1 "},
		{"writes beside an end",
			func(m *scs.SessionManager) func(context.Context) error { return put(m, "b", "2") },
			func(m *scs.SessionManager) func(context.Context) error { return m.Destroy },
			"", "deleted", "  "},
		{"renews beside a write",
			func(m *scs.SessionManager) func(context.Context) error { return m.RenewToken },
			func(m *scs.SessionManager) func(context.Context) error { return put(m, "a", "2") },
			"new", "kept", "1 1 "}, // scs deletes the older one by itself: use Login
	} {
		for _, idle := range []time.Duration{0, time.Minute} {
			t.Run(fmt.Sprintf("%s, idle timeout %v", test.name, idle), func(t *testing.T) {
				manager := newSessions()
				cookie := stored(t, manager, "a", "1", "b", "1")
				manager.IdleTimeout = idle
				late, early := beside(t, manager, cookie, test.slow(manager), test.quick(manager))
				for which, pair := range map[string][2]string{
					"late": {late, test.late}, "early": {early, test.early},
				} {
					got, want := kind(pair[0], cookie), pair[1]
					if want == "idle" {
						want = idleKind(idle)
					}
					if got != want {
						t.Errorf("%s cookie is %s, want %s", which, got, want)
					}
				}
				has := cookie
				for _, set := range []string{early, late} {
					if set != "" && set != "deleted" {
						has = set
					}
				}
				var all []string
				for _, key := range []string{"a", "b", "c"} {
					all = append(all, value(t, manager, has, key))
				}
				if got := strings.Join(all, " "); got != test.want {
					t.Errorf("the session holds %q, want %q", got, test.want)
				}
			})
		}
	}
}

// kind says what a cookie that was set is.
func kind(set, before string) string {
	switch set {
	case "", "deleted":
		return set
	case before:
		return "kept"
	}
	return "new"
}

// idleKind is the cookie of a request that has changed nothing.
func idleKind(idle time.Duration) string {
	if idle > 0 {
		return "kept"
	}
	return ""
}

// A hundred at once: nobody's write is lost.
func TestSessionsAtOnce(t *testing.T) {
	manager := newSessions()
	manager.IdleTimeout = time.Minute
	cookie := stored(t, manager, "a", "1")
	all := make(chan struct{})
	var ready, done sync.WaitGroup
	for i := range 100 {
		ready.Add(1)
		done.Go(func() {
			app := auth.LoadAndSave(manager)(parley.AppFunc(
				func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
					ready.Done()
					<-all
					manager.Put(ctx, fmt.Sprint("key ", i), "x")
					return parley.Respond(ctx, conn, 200, nil, nil)
				}))
			parleytest.Do(t, app, get("/", "Cookie", cookie))
		})
	}
	ready.Wait()
	close(all)
	done.Wait()
	ctx, _ := manager.Load(context.Background(), strings.TrimPrefix(cookie, "session="))
	if n := len(manager.Keys(ctx)); n != 101 {
		t.Errorf("%d values, want 101", n)
	}
}

// Values that are changed in place are seen as well.
func TestSessionChangedInPlace(t *testing.T) {
	manager := newSessions()
	app := auth.LoadAndSave(manager)(parley.AppFunc(
		func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
			cart, _ := manager.Get(ctx, "cart").([]byte)
			if cart == nil {
				cart = []byte("0")
			}
			cart[0]++
			manager.Put(ctx, "cart", cart)
			return parley.Respond(ctx, conn, 200, nil, cart)
		}))
	cookie := setCookie(parleytest.Do(t, app, get("/")).Header)
	for _, want := range []string{"2", "3"} {
		if got := parleytest.Do(t, app, get("/", "Cookie", cookie)).Body; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// An open socket saves what it has changed, and learns what others have.
func TestSaveSessionMerges(t *testing.T) {
	manager := newSessions()
	cookie := stored(t, manager, "a", "1", "b", "1")
	socket := func(ctx context.Context, ws *parley.Socket) error {
		ws.Accept(ctx, parley.WebSocketAccept{})
		for {
			message, err := ws.Read(ctx)
			if err != nil {
				return err
			}
			if text := message.Text(); text != "" {
				manager.Put(ctx, "b", text)
			}
			err = auth.SaveSession(ctx)
			a, b := manager.GetString(ctx, "a"), manager.GetString(ctx, "b")
			ws.Write(ctx, parley.Text(fmt.Sprint(a, b, " ", err)))
		}
	}
	app := auth.LoadAndSave(manager)(parley.WebSocketFunc(socket))
	ws := parleytest.Dial(t, app, get("/", "Cookie", cookie))
	for i, step := range []struct{ others, own, want string }{
		{"", "", "11 <nil>"},
		{"2", "", "21 <nil>"},
		{"3", "4", "34 <nil>"},
		{"5", "", "54 <nil>"},
		{"", "6", "56 <nil>"},
	} {
		if step.others != "" {
			ctx, _ := manager.Load(context.Background(), strings.TrimPrefix(cookie, "session="))
			manager.Put(ctx, "a", step.others)
			manager.Commit(ctx)
		}
		ws.Send(parley.Text(step.own))
		if got := ws.Receive().Text(); got != step.want {
			t.Errorf("step %d: %q, want %q", i, got, step.want)
		}
	}
	if a, b := value(t, manager, cookie, "a"), value(t, manager, cookie, "b"); a+b != "56" {
		t.Errorf("the store has %q and %q", a, b)
	}
	ws.Close(1000, "")
	ws.Wait()
}

// A late login keeps what others have put into the session, and a late logout
// leaves the cookie of a newer login alone.
func TestLateLoginAndLogout(t *testing.T) {
	s := newSite()
	planted := stored(t, s.manager, "cart", "apples")
	both := func(cookie string, slow, quick func(ctx context.Context) error) (late, early string) {
		late, _ = s.act(t, cookie, func(ctx context.Context) error {
			early, _ = s.act(t, cookie, quick)
			return slow(ctx)
		})
		return late, early
	}
	login := func(ctx context.Context) error {
		identity, _ := s.identify(ctx, "ann")
		return s.sessions.Login(ctx, identity)
	}
	late, _ := both(planted, login, func(ctx context.Context) error {
		s.manager.Put(ctx, "cart", "pears")
		return nil
	})
	if got := value(t, s.manager, late, "cart"); got != "pears" || s.whoami(t, late) != "ann" {
		t.Errorf("after a late login the cart holds %q", got)
	}
	for name, slow := range map[string]func(context.Context) error{
		"logout": s.sessions.Logout,
		"logout with a word": func(ctx context.Context) error {
			if err := s.sessions.Logout(ctx); err != nil {
				return err
			}
			s.manager.Put(ctx, "flash", "you are logged out")
			return nil
		},
		"write": func(ctx context.Context) error { s.manager.Put(ctx, "cart", "plums"); return nil },
	} {
		planted := stored(t, s.manager, "cart", "apples")
		late, early := both(planted, slow, login)
		if late != "" || s.whoami(t, early) != "ann" {
			t.Errorf("late %s: cookie %q, user %q", name, late, s.whoami(t, early))
		}
	}
}

// A socket whose session was renewed elsewhere is told so.
func TestSaveSessionAfterRenewal(t *testing.T) {
	manager := newSessions()
	cookie := stored(t, manager, "a", "1")
	socket := func(ctx context.Context, ws *parley.Socket) error {
		ws.Accept(ctx, parley.WebSocketAccept{})
		renewed, _ := manager.Load(context.Background(), strings.TrimPrefix(cookie, "session="))
		if err := manager.RenewToken(renewed); err != nil {
			return err
		}
		if _, _, err := manager.Commit(renewed); err != nil {
			return err
		}
		manager.Put(ctx, "a", "2")
		if err := auth.SaveSession(ctx); !errors.Is(err, auth.ErrSessionGone) {
			t.Errorf("%v", err)
		}
		return auth.SaveSession(ctx)
	}
	app := auth.LoadAndSave(manager)(parley.WebSocketFunc(socket))
	err := parleytest.Dial(t, app, get("/", "Cookie", cookie)).Wait()
	if !errors.Is(err, auth.ErrSessionGone) {
		t.Error(err)
	}
	if got := value(t, manager, cookie, "a"); got != "" {
		t.Errorf("the older session is back: %q", got)
	}
}
