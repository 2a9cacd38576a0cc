package nethttp

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
	"github.com/parleygo/parley/internal/origin"
)

var ownPages = origin.New(origin.Rules{Self: true, AllowMissing: true})

// SameOrigin is the default check of a WebSocket handshake: a browser's Origin must
// name the host of the request. A request without Origin comes from no browser and
// is let through, since it carries nobody's cookies.
func SameOrigin(r *http.Request) error { return ask(ownPages, r) }

func ask(policy *origin.Policy, r *http.Request) error {
	return refused(policy.Handshake(r))
}

// refused makes an error of a refusal, which is none where that is nil.
func refused(by *origin.Refusal) error {
	if by == nil {
		return nil
	}
	return by
}

// checkOrigins puts the check to work that the options ask for, if they do.
func (o *settings) checkOrigins() {
	asked := 0
	for _, one := range []bool{o.Origins != nil, o.CheckOrigin != nil, o.InsecureSkipOriginCheck} {
		if one {
			asked++
		}
	}
	switch {
	case asked > 1:
		panic("nethttp: Options: one of Origins, CheckOrigin and InsecureSkipOriginCheck, not several")
	case o.CheckOrigin != nil:
		o.checkOrigin = o.CheckOrigin
	case o.InsecureSkipOriginCheck:
		o.checkOrigin = func(*http.Request) error { return nil }
	case o.Origins != nil:
		list := origin.MustPatterns("nethttp: Options.Origins", o.Origins)
		o.pages = origin.New(origin.Rules{Allow: list, AllowMissing: true})
		o.checkOrigin = func(r *http.Request) error { return ask(o.pages, r) }
	}
}

// CheckPage implements origin.Gate, for clients without a socket: they may open what
// stands for one from where they may open a socket.
func (c *httpConn) CheckPage(r *http.Request) (decides bool, refusal error) {
	o := &c.gateway.options
	switch {
	case o.checkOrigin == nil:
		outer, _ := c.ctx.Value(outerKey{}).(parley.Conn)
		return origin.AtGate(outer, r)
	case o.pages != nil:
		return true, refused(o.pages.Request(r))
	case len(r.Header["Origin"]) == 0 && !o.InsecureSkipOriginCheck:
		if refusal := ownPages.Request(r); refusal != nil {
			return true, refusal // by Sec-Fetch-Site
		}
		r = withOrigin(r)
	}
	return true, o.checkOrigin(r)
}

// withOrigin is a request of this host's own page as a handshake would be: browsers send
// no Origin with a GET there.
func withOrigin(r *http.Request) *http.Request {
	if r.Header.Get("Sec-Fetch-Site") != "same-origin" {
		return r
	}
	scheme := "http://"
	if origin.Secure(r) {
		scheme = "https://"
	}
	r = r.WithContext(r.Context())
	r.Header = r.Header.Clone()
	r.Header.Set("Origin", scheme+r.Host)
	return r
}

// foreign is a handshake from a page of another site. It is refused when an app
// comes to take part in the conversation, unless somebody on the way there, such as
// middleware.Origin, has let the page in. What an app answers instead goes out.
type foreign struct {
	origin.Verdict
	refusal *origin.Refusal
}

// askOrigin has ctx carry the question whether the page may open the socket, if it
// is one of another site and nobody has answered for the gateway.
func (c *webSocketConn) askOrigin(ctx context.Context) context.Context {
	ctx, c.foreign = c.gateway.askOrigin(ctx, c.scope.Request)
	return ctx
}

func (g *Gateway) askOrigin(ctx context.Context, r *http.Request) (context.Context, *foreign) {
	if g.options.checkOrigin != nil {
		return ctx, nil
	}
	refusal := ownPages.Handshake(r)
	if refusal == nil {
		return ctx, nil
	}
	page := &foreign{refusal: refusal}
	return page.With(ctx), page
}

var errForeignPage = fmt.Errorf("parley: page of another site refused: %w", parley.ErrDisconnected)

// refuseForeign reports whether the conversation is over because its page may not
// open it.
func (c *webSocketConn) refuseForeign() bool {
	if c.foreign.mayEnter() {
		return false
	}
	if c.refuse() {
		c.gateway.warnOfForeign(c.scope.Request, c.foreign)
		c.answerRefused(http.StatusForbidden, errForeignPage)
	}
	return true
}

// mayEnter reports whether the page is one of ours, or was let in.
func (f *foreign) mayEnter() bool { return f == nil || f.Allowed() }

func (g *Gateway) warnOfForeign(r *http.Request, page *foreign) {
	g.warnOfOrigin(r, page.refusal, "let it in by an option of the gateway or by middleware.Origin")
}

// warnOfOrigin tells those who run the server why nobody gets in, now and then:
// whoever knocks must not fill the log.
func (g *Gateway) warnOfOrigin(r *http.Request, refusal error, advice string) {
	skipped, now := g.originWarnings.admit(time.Now())
	if !now {
		return
	}
	attrs := []any{
		"path", census.Clip(r.URL.Path), "host", census.Clip(r.Host), "error", refusal, "advice", advice,
	}
	if skipped > 0 {
		attrs = append(attrs, slog.Int("more", skipped))
	}
	g.log(slog.LevelWarn, "parley: websocket refused for its Origin", attrs...)
}

// seldom lets one pass in a while and counts the others.
type seldom struct {
	mu      sync.Mutex
	next    time.Time
	skipped int
}

const seldomPause = 10 * time.Second

func (s *seldom) admit(at time.Time) (skipped int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.Before(s.next) {
		s.skipped++
		return 0, false
	}
	skipped, s.skipped = s.skipped, 0
	s.next = at.Add(seldomPause)
	return skipped, true
}
