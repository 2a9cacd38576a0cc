package auth_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/parleytest"
)

func newTickets(spent auth.SpentTickets) *auth.Tickets {
	return auth.NewTickets(auth.TicketOptions{
		Key: jwtKey, Spent: spent,
		Identify: func(_ context.Context, id string) (*auth.Identity, error) {
			return &auth.Identity{ID: id, User: &account{id}}, nil
		},
	})
}

func TestTickets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tickets := newTickets(nil)
		var query, uri string
		app := authWith(tickets)(parley.AppFunc(func(
			ctx context.Context, scope *parley.Scope, conn parley.Conn,
		) error {
			query, uri = scope.Request.URL.RawQuery, scope.Request.RequestURI
			return whoami.Serve(ctx, scope, conn)
		}))
		ticket, err := tickets.Issue("ann")
		if err != nil {
			t.Fatal(err)
		}
		ws := parleytest.Dial(t, app, get("/chat?b=2&ticket="+ticket+"&a=%31"))
		got := ws.Receive().Text()
		if got != "ann" || query != "b=2&a=%31" || strings.Contains(uri, ticket) {
			t.Errorf("%q with %q of %q", got, query, uri)
		}
		for name, target := range map[string]string{
			"spent":     "/?ticket=" + ticket,
			"malformed": "/?ticket=abc",
			"empty":     "/?ticket=",
			"a JWT":     "/?ticket=" + tokenFor(t, "ann", time.Hour),
			"changed":   "/?ticket=" + ticket[:len(ticket)-4] + "AAAA",
			"huge":      "/?ticket=" + strings.Repeat("a", 1<<20),
		} {
			if got := parleytest.Dial(t, app, get(target)).Denial().Status; got != 401 {
				t.Errorf("%s: status %d", name, got)
			}
		}
		for _, target := range []string{"/?ticket=a&ticket=b", "/?ticket=%zz"} {
			if got := parleytest.Dial(t, app, get(target)).Denial().Status; got != 400 {
				t.Errorf("%s: status %d", target, got)
			}
		}
		ticket, _ = tickets.Issue("ann")
		time.Sleep(31 * time.Second)
		if got := parleytest.Dial(t, app, get("/?ticket="+ticket)).Denial().Status; got != 401 {
			t.Errorf("expired: status %d", got)
		}
		if _, err := tickets.Issue(""); err == nil {
			t.Error("a ticket for nobody")
		}
	})
}

// TestTicketsOfAnotherClock: where the clock is set back, a ticket lasts longer than any
// does. It is good once even so, or not at all.
func TestTicketsOfAnotherClock(t *testing.T) {
	for name, test := range map[string]struct {
		back time.Duration
		good bool
	}{
		"right": {0, true}, "a second": {time.Second, true}, "half a minute": {30 * time.Second, true},
		"a minute": {time.Minute, false}, "an hour": {time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tickets := newTickets(nil)
				before := auth.NewTickets(auth.TicketOptions{Key: jwtKey, TTL: 30*time.Second + test.back})
				come := func(ticket string) bool {
					scope := &parley.Scope{Protocol: parley.WebSocket, Request: get("/?ticket=" + ticket)}
					identity, err := tickets.Authenticate(t.Context(), scope)
					if err != nil {
						wantRefusal(t, err)
					}
					return identity != nil
				}
				others := func() {
					if ticket, err := tickets.Issue("bob"); err != nil || !come(ticket) {
						t.Error("a fresh one is refused", err)
					}
				}
				others()
				time.Sleep(29 * time.Second)
				ticket, _ := before.Issue("ann")
				if got := come(ticket); got != test.good {
					t.Errorf("the first time: %v", got)
				}
				for range 200 {
					if test.good && come(ticket) {
						t.Fatal("it was good twice")
					}
					time.Sleep(time.Second)
					others()
				}
			})
		})
	}
}

// However many come with one ticket at once, one gets in.
func TestTicketsOnce(t *testing.T) {
	tickets := newTickets(nil)
	ticket, _ := tickets.Issue("ann")
	var in atomic.Int64
	done := make(chan struct{})
	for range 20 {
		go func() {
			defer func() { done <- struct{}{} }()
			scope := &parley.Scope{Protocol: parley.WebSocket, Request: get("/?ticket=" + ticket)}
			identity, err := tickets.Authenticate(context.Background(), scope)
			if err == nil && identity != nil {
				in.Add(1)
			}
		}()
	}
	for range 20 {
		<-done
	}
	if in.Load() != 1 {
		t.Errorf("%d came in", in.Load())
	}
}

func FuzzTicket(f *testing.F) {
	tickets := newTickets(nil)
	good, _ := tickets.Issue("ann")
	f.Add("ticket=" + good)
	f.Add("a=b&ticket=a.b.c")
	f.Add("ticket=%zz;")
	f.Fuzz(func(t *testing.T, query string) {
		r := get("/")
		r.URL.RawQuery = query
		scope := &parley.Scope{Protocol: parley.WebSocket, Request: r}
		identity, err := newTickets(nil).Authenticate(t.Context(), scope)
		if identity != nil && (err != nil || !strings.Contains(query, good[:20])) {
			t.Errorf("%q lets %v in", query, identity)
		}
		if err != nil {
			wantRefusal(t, err)
		}
	})
}
