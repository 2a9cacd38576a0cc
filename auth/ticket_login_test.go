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
	"github.com/parleygo/parley/channel"
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

// common is a memory of spent tickets that processes share.
type common struct{ sync.Map }

func (c *common) Spend(_ context.Context, id string, _ time.Time) (bool, error) {
	_, was := c.LoadOrStore(id, true)
	return !was, nil
}

// TestTicketsAcrossProcesses: one process issues tickets and logs out, the other one takes
// them; they share a store, a broker and a memory of what is spent.
func TestTicketsAcrossProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker, spent, s := new(channel.Broker), new(common), newSite()
		here := channel.New(channel.Options{Transport: broker.Connect()})
		there := channel.New(channel.Options{Transport: broker.Connect()})
		defer here.Close(t.Context())
		defer there.Close(t.Context())
		s.options.Revocations = auth.NewChannelRevocations(here)
		tickets := s.tickets(auth.TicketOptions{Spent: spent})
		other := auth.NewTickets(auth.TicketOptions{Key: jwtKey, Spent: spent})
		app := auth.Middleware(auth.Options{
			Authenticators: []auth.Authenticator{other, s.sessions},
			Revocations:    auth.NewChannelRevocations(there),
		})(whoami)
		cookie := s.login(t, "", "ann")
		first, err := s.issue(t, tickets, cookie)
		second, failed := s.issue(t, tickets, cookie)
		if err != nil || failed != nil {
			t.Fatal(err, failed)
		}
		ws := parleytest.Dial(t, app, get(first))
		if got := ws.Receive().Text(); got != "ann" {
			t.Errorf("%q", got)
		}
		acts(logoutOf)(t, s, cookie)
		if code, _ := ws.Closed(); code != parley.CloseUnauthorized {
			t.Errorf("closed with %d", code)
		}
		for name, target := range map[string]string{"spent": first, "of an end": second} {
			if got := parleytest.Dial(t, app, get(target)).Denial().Status; got != 401 {
				t.Errorf("%s: status %d", name, got)
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
