package auth_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/parleytest"
)

// guest is an app that takes down who came, and why they had to go.
type guest struct {
	name  string
	cause error
}

func (g *guest) app() parley.App {
	return parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		user, err := auth.User[*account](ctx)
		if err != nil {
			return err
		}
		g.name = user.name
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		<-ctx.Done()
		g.cause = context.Cause(ctx)
		return g.cause
	})
}

// comings open a conversation on each transport, and return the status of the answer.
var comings = map[string]func(t *testing.T, app parley.App, target string) int{
	"WebSocket": func(t *testing.T, app parley.App, target string) int {
		ws := parleytest.Dial(t, app, get(target))
		if ws.Accepted() {
			return 200
		}
		return ws.Denial().Status
	},
	"stream": func(t *testing.T, app parley.App, target string) int {
		return parleytest.Start(t, app, get(target, "Accept", "text/event-stream")).Status()
	},
	"poll": func(t *testing.T, app parley.App, target string) int {
		return parleytest.Do(t, app, get(target)).Status
	},
}

// loginEnd is a way in which a login ends, or does not.
type loginEnd struct {
	end   func(t *testing.T, s *site, cookie string)
	holds bool // it does not
	stays bool // what is open goes on, as what a session has opened itself
}

// acts is an end by what the app does in a request.
func acts(do ...func(s *site) func(context.Context) error) func(*testing.T, *site, string) {
	return func(t *testing.T, s *site, cookie string) {
		for _, act := range do {
			set, err := s.act(t, cookie, act(s))
			if err != nil {
				t.Error(err)
			}
			cookie = set
		}
	}
}

// changes is an end by what becomes of the user.
func changes(change func(s *site)) func(*testing.T, *site, string) {
	return func(t *testing.T, s *site, _ string) {
		change(s)
		if err := auth.RevokeUser(t.Context(), s.options.Revocations, "ann"); err != nil {
			t.Error(err)
		}
	}
}

func logoutOf(s *site) func(context.Context) error  { return s.sessions.Logout }
func renewalOf(s *site) func(context.Context) error { return s.manager.RenewToken }

var loginEnds = map[string]loginEnd{
	"logout":                     {end: acts(logoutOf)},
	"logout under another token": {end: acts(renewalOf, renewalOf, logoutOf)},
	"another login": {
		end: func(t *testing.T, s *site, cookie string) { s.login(t, cookie, "bob") },
	},
	"another password": {end: changes(func(s *site) { s.stamps.Store("ann", "2") })},
	"no such user":     {end: changes(func(s *site) { s.stamps.Delete("ann") })},
	"expiry":           {end: func(*testing.T, *site, string) { time.Sleep(10 * time.Second) }},
	"idle": {
		end:   func(*testing.T, *site, string) { time.Sleep(10 * time.Second) },
		stays: true,
	},
	"deleted by the app": {
		end:   acts(func(s *site) func(context.Context) error { return s.manager.Destroy }),
		stays: true,
	},
	"emptied by the app": {
		end:   acts(func(s *site) func(context.Context) error { return s.manager.Clear }),
		stays: true,
	},
	"another token": {end: acts(renewalOf), holds: true, stays: true},
	"not at all":    {end: acts(), holds: true, stays: true},
}

// TestTicketsEndWithTheirLogin: whatever ends a login, whenever: a ticket of it lets
// nobody in, and what it has opened ends as what the session has opened itself.
func TestTicketsEndWithTheirLogin(t *testing.T) {
	for name, ending := range loginEnds {
		for _, moment := range []string{"before", "as the watch begins", "as it has begun", "open"} {
			for transport, come := range comings {
				t.Run(name+", "+moment+", "+transport, func(t *testing.T) {
					inBubble(t, name, func(t *testing.T, s *site, cookie string) {
						ticketEnds(t, s, cookie, name, moment, ending, come)
					})
				})
			}
		}
	}
}

func ticketEnds(
	t *testing.T, s *site, cookie, name, moment string, ending loginEnd,
	come func(t *testing.T, app parley.App, target string) int,
) {
	if name == "idle" {
		s.manager.IdleTimeout = 5 * time.Second
	}
	target, err := s.issue(t, s.tickets(auth.TicketOptions{}), cookie)
	if err != nil {
		t.Fatal(err)
	}
	end := sync.OnceFunc(func() { ending.end(t, s, cookie) })
	switch moment {
	case "before":
		end()
	case "as the watch begins":
		s.options.Revocations = watching{s.options.Revocations, end, nil}
	case "as it has begun":
		s.options.Revocations = watching{s.options.Revocations, nil, end}
	}
	below := new(guest)
	status := come(t, s.app(fallback.New(below.app(), fallback.Options{})), target)
	if moment == "open" {
		end()
	}
	synctest.Wait()
	if moment != "open" && !ending.holds {
		if status != 401 || below.name != "" {
			t.Errorf("let in with %d: %q", status, below.name)
		}
		return
	}
	if status != 200 || below.name != "ann" {
		t.Errorf("refused with %d: %q", status, below.name)
	}
	if ended := errors.Is(below.cause, parley.ErrAuthExpired); ended == ending.stays {
		t.Errorf("ended by %v", below.cause)
	}
}
