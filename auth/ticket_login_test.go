package auth_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/parleytest"
)

// issue has somebody who is logged in ask for a ticket.
func (s *site) issue(
	t *testing.T, tickets *auth.Tickets, cookie string,
) (target string, err error) {
	t.Helper()
	var ticket string
	_, err = s.act(t, cookie, func(ctx context.Context) (err error) {
		ticket, err = tickets.IssueFrom(ctx)
		return err
	})
	return "/?ticket=" + ticket, err
}

// tickets has the site take tickets of its sessions.
func (s *site) tickets(options auth.TicketOptions) *auth.Tickets {
	options.Key = jwtKey
	tickets := auth.NewTickets(options)
	s.options.Authenticators = []auth.Authenticator{tickets, s.sessions, newBearer()}
	return tickets
}

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

// TestTicketAndLogoutAtOnce: whichever comes first, nobody is in when a logout is over.
func TestTicketAndLogoutAtOnce(t *testing.T) {
	inBubble(t, "logout", func(t *testing.T, s *site, _ string) {
		tickets := s.tickets(auth.TicketOptions{})
		app := s.app(whoami)
		for range 50 {
			cookie := s.login(t, "", "ann")
			target, err := s.issue(t, tickets, cookie)
			if err != nil {
				t.Fatal(err)
			}
			var late string
			var failed error
			var asking sync.WaitGroup
			asking.Go(func() { acts(logoutOf)(t, s, cookie) })
			asking.Go(func() { late, failed = s.issue(t, tickets, cookie) })
			ws := parleytest.Dial(t, app, get(target))
			asking.Wait()
			if code, _ := ws.Closed(); code != parley.CloseUnauthorized && code != parley.CloseAbnormal {
				t.Errorf("closed with %d", code)
			}
			if failed == nil && parleytest.Dial(t, app, get(late)).Denial().Status != 401 {
				t.Error("a ticket that was issued beside the logout lets somebody in")
			}
		}
	})
}

// TestTicketsWithoutSession: a ticket of other credentials has their expiry; one that is
// issued to a name belongs to no login.
func TestTicketsWithoutSession(t *testing.T) {
	inBubble(t, "logout", func(t *testing.T, s *site, cookie string) {
		tickets := s.tickets(auth.TicketOptions{Identify: s.identify})
		app := s.app(whoami)
		named, err := tickets.Issue("ann")
		if err != nil {
			t.Fatal(err)
		}
		asks := s.app(does(tickets.IssueFrom))
		borne := parleytest.Do(t, asks, as(t, "ann", 20*time.Second)).Body
		acts(logoutOf)(t, s, cookie)
		ws := parleytest.Dial(t, app, get("/?ticket="+borne))
		free := parleytest.Dial(t, app, get("/?ticket="+named))
		if ws.Receive().Text() != "ann" || free.Receive().Text() != "ann" {
			t.Error("somebody else came in")
		}
		time.Sleep(19 * time.Second)
		if !ws.Quiet() {
			t.Error("closed too early")
		}
		start := time.Now()
		if code, _ := ws.Closed(); code != parley.CloseUnauthorized || time.Since(start) > time.Second {
			t.Errorf("closed with %d after %v", code, time.Since(start))
		}
		if !free.Quiet() {
			t.Error("a ticket of no login has ended with one")
		}
		if got := parleytest.Do(t, asks, get("/")).Status; got != 401 {
			t.Errorf("nobody got a ticket: %d", got)
		}
		if _, err := tickets.IssueFrom(t.Context()); !errors.Is(err, auth.ErrNoMiddleware) {
			t.Error(err)
		}
	})
}

// TestTicketOfATicket: what a ticket has opened may ask for another one of the same login.
func TestTicketOfATicket(t *testing.T) {
	inBubble(t, "logout", func(t *testing.T, s *site, cookie string) {
		tickets := s.tickets(auth.TicketOptions{})
		first, err := s.issue(t, tickets, cookie)
		if err != nil {
			t.Fatal(err)
		}
		second := parleytest.Do(t, s.app(does(tickets.IssueFrom)), get(first)).Body
		ws := parleytest.Dial(t, s.app(whoami), get("/?ticket="+second))
		if got := ws.Receive().Text(); got != "ann" {
			t.Errorf("%q", got)
		}
		acts(logoutOf)(t, s, cookie)
		if code, _ := ws.Closed(); code != parley.CloseUnauthorized {
			t.Errorf("closed with %d", code)
		}
	})
}

// TestTicketStoreFails: where the store cannot say whether a login holds, nobody gets a
// ticket and nobody comes in by one.
func TestTicketStoreFails(t *testing.T) {
	inBubble(t, "logout", func(t *testing.T, s *site, cookie string) {
		store := &failing{Store: s.manager.Store}
		s.manager.Store = store
		tickets := s.tickets(auth.TicketOptions{})
		store.commit = true
		if _, err := s.issue(t, tickets, cookie); !errors.Is(err, auth.ErrUnavailable) {
			t.Error("issued:", err)
		}
		store.commit = false
		target, err := s.issue(t, tickets, cookie)
		if err != nil {
			t.Fatal(err)
		}
		store.find = true
		for transport, come := range comings {
			app := s.app(fallback.New(new(guest).app(), fallback.Options{}))
			if got := come(t, app, target); got != 503 {
				t.Errorf("%s: status %d", transport, got)
			}
			store.find = false
			if target, err = s.issue(t, tickets, cookie); err != nil {
				t.Fatal(err)
			}
			store.find = true
		}
		store.find = false
		s.options.Authenticators = s.options.Authenticators[:1]
		if got := parleytest.Dial(t, s.app(whoami), get(target)).Denial().Status; got != 503 {
			t.Errorf("no Sessions: status %d", got)
		}
	})
}

// stuck is a store that deletes as much as is left, and then nothing any more.
type stuck struct {
	scs.Store
	left int
}

func (s *stuck) Delete(token string) error {
	if s.left--; s.left < 0 {
		return errInner
	}
	return s.Store.Delete(token)
}

// A logout that cannot end tickets says so, and has ended everything else.
func TestLogoutCannotEndTickets(t *testing.T) {
	inBubble(t, "logout", func(t *testing.T, s *site, cookie string) {
		target, err := s.issue(t, s.tickets(auth.TicketOptions{}), cookie)
		if err != nil {
			t.Fatal(err)
		}
		ws := parleytest.Dial(t, s.app(whoami), get(target))
		if got := ws.Receive().Text(); got != "ann" {
			t.Errorf("%q", got)
		}
		s.manager.Store = &stuck{s.manager.Store, 1}
		if _, err := s.act(t, cookie, s.sessions.Logout); !errors.Is(err, auth.ErrUnavailable) {
			t.Errorf("logout: %v", err)
		}
		if code, _ := ws.Closed(); code != parley.CloseUnauthorized {
			t.Errorf("closed with %d", code)
		}
		if got := s.whoami(t, cookie); got != auth.ErrAnonymous.Error() {
			t.Errorf("the session has not ended: %q", got)
		}
	})
}

// An answer of HTTP that a ticket let in ends with the login as well.
func TestAnswerToATicketEnds(t *testing.T) {
	inBubble(t, "logout", func(t *testing.T, s *site, cookie string) {
		target, err := s.issue(t, s.tickets(auth.TicketOptions{}), cookie)
		if err != nil {
			t.Fatal(err)
		}
		app := &stream{ask: true}
		x := parleytest.Start(t, s.app(app), get(target))
		x.Status()
		time.Sleep(5 * time.Second)
		acts(logoutOf)(t, s, cookie)
		x.Response()
		if app.cause != parley.ErrAuthExpired {
			t.Errorf("the app was told %v", app.cause)
		}
	})
}

// A login may expire later than any time that can be written.
func TestTicketOfALongLogin(t *testing.T) {
	tickets := newTickets(nil)
	for _, year := range []int{9998, 9999, 20_000} {
		someone := auth.AuthenticatorFunc(func(context.Context, *parley.Scope) (*auth.Identity, error) {
			return &auth.Identity{ID: "ann", Expires: time.Date(year, 12, 31, 23, 0, 0, 0, time.UTC)}, nil
		})
		got := parleytest.Do(t, authWith(someone)(does(tickets.IssueFrom)), get("/"))
		if got.Status != 200 {
			t.Errorf("%d: status %d", year, got.Status)
		}
		if got = parleytest.Do(t, authWith(tickets)(whoami), get("/?ticket="+got.Body)); got.Body != "ann" {
			t.Errorf("%d: %q", year, got.Body)
		}
	}
}
