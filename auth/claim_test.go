package auth_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/internal/identity"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

// claim has one request ask for the claimant, as a transport does.
func claim(
	t *testing.T, s *site, cookie string, ask func(ctx context.Context, c identity.Claimant),
) {
	t.Helper()
	app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		ask(ctx, identity.From(ctx))
		return parley.Respond(ctx, conn, 204, nil, nil)
	})
	if got := parleytest.Do(t, s.app(app), get("/", "Cookie", cookie)).Status; got != 204 {
		t.Errorf("status %d", got)
	}
}

// A transport is told when what a request has shown ceases to hold, long after the
// request.
func TestClaimantWatch(t *testing.T) {
	for ending, end := range endings {
		t.Run(ending, func(t *testing.T) {
			inBubble(t, ending, func(t *testing.T, s *site, cookie string) {
				start := time.Now()
				ended := make(chan error, 2)
				released := make(chan func(), 1)
				claim(t, s, cookie, func(ctx context.Context, c identity.Claimant) {
					if subject, err := c.Subject(ctx); subject != "ann" || err != nil {
						t.Errorf("subject %q, %v", subject, err)
					}
					release, err := c.Watch(ctx, func(cause error) {
						(<-released)() // as a transport does that ends everything
						ended <- cause
					})
					if err != nil {
						t.Fatal(err)
					}
					released <- release
				})
				time.Sleep(10*time.Second - time.Since(start))
				end(t, s, cookie)
				if cause := <-ended; !errors.Is(cause, parley.ErrAuthExpired) {
					t.Errorf("cause %v", cause)
				}
				if took := time.Since(start); took != 10*time.Second {
					t.Errorf("told after %v", took)
				}
				synctest.Wait()
				if len(ended) != 0 {
					t.Error("told twice")
				}
			})
		})
	}
}

func TestClaimantRelease(t *testing.T) {
	inBubble(t, "logout", func(t *testing.T, s *site, cookie string) {
		claim(t, s, cookie, func(ctx context.Context, c identity.Claimant) {
			release, err := c.Watch(ctx, func(error) { t.Error("told after the release") })
			if err != nil {
				t.Fatal(err)
			}
			release()
		})
		s.act(t, cookie, s.sessions.Logout)
		synctest.Wait()
		claim(t, s, "", func(ctx context.Context, c identity.Claimant) {
			subject, err := c.Subject(ctx)
			release, watchErr := c.Watch(ctx, func(error) { t.Error("nobody's identity ended") })
			if subject != "" || err != nil || watchErr != nil {
				t.Errorf("nobody: %q, %v, %v", subject, err, watchErr)
			}
			release()
		})
	})
}

// What is no good by the time of the watch is an error that answers the request.
func TestClaimantLooksAgain(t *testing.T) {
	s := newSite()
	cookie := s.login(t, "", "ann")
	s.options.Revocations = watching{quiet{}, func() { s.stamps.Delete("ann") }, nil}
	app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		_, err := identity.From(ctx).Watch(ctx, func(error) {})
		return err
	})
	if got := parleytest.Do(t, s.app(app), get("/", "Cookie", cookie)).Status; got != 401 {
		t.Errorf("status %d", got)
	}
}

// A renewal is for what the transport watches over, too.
func TestClaimantRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ended := make(chan error, 1)
		app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
			if _, err := identity.From(ctx).Watch(ctx, func(cause error) { ended <- cause }); err != nil {
				return err
			}
			free := context.WithoutCancel(ctx)
			time.AfterFunc(10*time.Second, func() {
				if err := auth.Renew(free, tokenFor(t, "ann", 20*time.Second)); err != nil {
					t.Error(err)
				}
			})
			return parley.Respond(ctx, conn, 204, nil, nil)
		})
		parleytest.Do(t, authWith(newBearer())(app), as(t, "ann", 20*time.Second))
		if cause := <-ended; cause != parley.ErrAuthExpired || time.Since(start) < 29*time.Second {
			t.Errorf("%v after %v", cause, time.Since(start))
		}
	})
}

// Below a fallback an app and its user are what they are on a socket: the session
// is the user's, it ends with the login, and limits below count what is posted.
func TestFallbackSessionsBelongToSomebody(t *testing.T) {
	inBubble(t, "logout", func(t *testing.T, s *site, cookie string) {
		limit := middleware.NewRateLimit(middleware.RateLimitOptions{
			Messages: middleware.Rate{PerSecond: 1, Burst: 2},
		})
		below := new(told)
		fall := fallback.New(parley.Chain(below.app(true), limit.Wrap), fallback.Options{})
		app := s.app(fall)
		x := parleytest.Start(t, app, get("/", "Cookie", cookie, "Accept", "text/event-stream"))
		if got := x.Status(); got != 200 {
			t.Fatalf("status %d", got)
		}
		time.Sleep(5 * time.Second)
		if _, err := s.act(t, cookie, s.sessions.Logout); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		x.Response()
		if time.Since(start) > time.Second {
			t.Errorf("the stream ended after %v", time.Since(start))
		}
		synctest.Wait()
		if below.event.Code != parley.CloseUnauthorized ||
			!errors.Is(below.context, parley.ErrAuthExpired) {
			t.Errorf("the app was told %v, %v", below.event, below.context)
		}
	})
}
