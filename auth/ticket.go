package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/options"
	"github.com/parleygo/parley/middleware"
)

// TicketOptions configure Tickets.
type TicketOptions struct {
	// Key signs the tickets (HMAC-SHA256): at least 32 random bytes, kept
	// secret and the same in every process that takes them. Shorter ones panic.
	Key []byte

	// TTL is how long a ticket may lie around. Default 30 s, at least 1 s. One that
	// would last more than twice as long is refused: another TTL, or another clock, has
	// made it.
	TTL time.Duration

	// Param is the name of the query parameter. Default "ticket".
	Param string

	// Spent remembers which tickets were used. Default: in this process, for
	// up to a million tickets per TTL. Several processes need a common one.
	Spent SpentTickets

	// Identify makes an identity of the id that a ticket was issued for; nil,
	// nil is nobody that we know (401). Default: the id is the User, too. Set
	// Expires: a ticket does not say how long the socket may live.
	Identify func(ctx context.Context, id string) (*Identity, error)
}

// SpentTickets remembers tickets. Spend returns false if id was spent before. It
// may forget id after until. With Redis it is SET id 1 NX EXAT until.
type SpentTickets interface {
	Spend(ctx context.Context, id string, until time.Time) (first bool, err error)
}

// Tickets authenticates with a ticket in the query of a socket's URL, that an HTTP
// request with other credentials was given a moment before. URLs end up in logs
// and histories: so a ticket is good once, and not for long. It is safe for
// concurrent use.
type Tickets struct {
	options TicketOptions
	parser  *jwt.Parser
}

// What a ticket says of itself, so that no other token is taken for one, nor a
// ticket for another token.
const (
	ticketAudience = "parley-ticket"
	ticketType     = "parley-ticket+jwt"
)

// NewTickets makes Tickets. It panics for a key that is shorter than 32 bytes or
// was never filled, and for a TTL below a second.
func NewTickets(o TicketOptions) *Tickets {
	if problem := weakSecret(o.Key, 32); problem != "" {
		panic("auth: TicketOptions.Key: " + problem)
	}
	o.TTL = options.Positive("auth: TicketOptions.TTL", o.TTL, 30*time.Second)
	if o.TTL < time.Second {
		panic(fmt.Sprintf("auth: TicketOptions.TTL: %v is less than a second", o.TTL))
	}
	if o.Param == "" {
		o.Param = "ticket"
	}
	if o.Spent == nil {
		o.Spent = &spentHere{ttl: o.TTL}
	}
	if o.Identify == nil {
		o.Identify = func(_ context.Context, id string) (*Identity, error) {
			return &Identity{ID: id, User: id}, nil
		}
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired(),
		jwt.WithAudience(ticketAudience), jwt.WithStrictDecoding())
	return &Tickets{o, parser}
}

// Issue makes a ticket for a user. It stands in a URL as it is.
func (t *Tickets) Issue(id string) (string, error) {
	if id == "" {
		return "", errors.New("auth: ticket for nobody")
	}
	ticket := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Subject: id, ID: rand.Text(), Audience: jwt.ClaimStrings{ticketAudience},
		ExpiresAt: jwt.NewNumericDate(time.Now().Add(t.options.TTL)),
	})
	ticket.Header["typ"] = ticketType
	return ticket.SignedString(t.options.Key)
}

const maxTicket = 2 << 10

// Authenticate implements Authenticator. It spends the ticket.
func (t *Tickets) Authenticate(ctx context.Context, scope *parley.Scope) (*Identity, error) {
	if !strings.Contains(scope.Request.URL.RawQuery, t.options.Param) {
		return nil, nil
	}
	query, err := url.ParseQuery(scope.Request.URL.RawQuery)
	tickets := query[t.options.Param]
	switch {
	case err != nil, len(tickets) > 1:
		return nil, &middleware.Refusal{By: "ticket", Reason: "malformed", Status: http.StatusBadRequest}
	case len(tickets) == 0:
		return nil, nil
	}
	claims, err := t.verify(tickets[0])
	if err != nil {
		return nil, err
	}
	first, err := t.options.Spent.Spend(ctx, claims.ID, claims.ExpiresAt.Time)
	if err != nil {
		return nil, unavailable("spending a ticket", err)
	}
	if !first {
		return nil, badCredentials("ticket", "spent")
	}
	return t.identify(ctx, claims.Subject)
}

// Recheck implements Rechecker: the ticket is spent, but its user may be gone.
func (t *Tickets) Recheck(ctx context.Context, _ *parley.Scope, known Identity) (*Identity, error) {
	return t.identify(ctx, known.ticket)
}

func (t *Tickets) identify(ctx context.Context, subject string) (*Identity, error) {
	identity, err := t.options.Identify(ctx, subject)
	own, err := adopted(identity, err, "ticket", time.Time{})
	if err == nil {
		own.ticket = subject
	}
	return own, err
}

func (t *Tickets) verify(ticket string) (*jwt.RegisteredClaims, error) {
	if len(ticket) > maxTicket {
		return nil, badCredentials("ticket", "too-large")
	}
	claims := new(jwt.RegisteredClaims)
	parsed, err := t.parser.ParseWithClaims(ticket, claims, func(token *jwt.Token) (any, error) {
		return t.options.Key, checkHeader(token, ticketType)
	})
	if err == nil {
		err = checkUTF8(parsed)
	}
	if err != nil {
		return nil, badCredentials("ticket", tokenProblem(err))
	}
	switch {
	case claims.ID == "" || claims.Subject == "":
		return nil, badCredentials("ticket", "claims")
	case time.Until(claims.ExpiresAt.Time) > 2*t.options.TTL:
		return nil, badCredentials("ticket", "not-yet-valid") // the clock was set back
	}
	return claims, nil
}

// hide takes the ticket out of the URL that the app, and its log, see.
func (t *Tickets) hide(scope *parley.Scope) *parley.Scope {
	if !strings.Contains(scope.Request.URL.RawQuery, t.options.Param) {
		return scope
	}
	var kept []string
	for part := range strings.SplitSeq(scope.Request.URL.RawQuery, "&") {
		name, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(name); err != nil || plain != t.options.Param {
			kept = append(kept, part)
		}
	}
	below := *scope
	r := scope.Request.WithContext(scope.Request.Context())
	u := *r.URL
	u.RawQuery = strings.Join(kept, "&")
	r.URL, r.RequestURI = &u, u.RequestURI()
	below.Request = r
	return &below
}

// spentHere remembers tickets in this process: those of now, and those of two TTLs
// before. The oldest have expired, also where the clock was set back by a TTL; what it
// was set back by more than that is refused before it gets here.
type spentHere struct {
	ttl time.Duration

	mu    sync.Mutex
	spent [3]map[string]struct{} // the newest first
	next  time.Time              // when the oldest are forgotten
}

var errManyTickets = &middleware.Refusal{
	By: "ticket", Reason: "too-many", Status: http.StatusServiceUnavailable, RetryAfter: time.Second,
}

func (s *spentHere) Spend(_ context.Context, id string, _ time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(time.Now())
	for _, ids := range s.spent {
		if _, was := ids[id]; was {
			return false, nil
		}
	}
	if len(s.spent[0]) >= 1<<20 {
		return false, errManyTickets
	}
	s.spent[0][id] = struct{}{}
	return true, nil
}

// forget forgets the oldest when their time is over, and after a while without tickets
// all of them. The caller holds mu.
func (s *spentHere) forget(now time.Time) {
	if !now.After(s.next) {
		return
	}
	if now.After(s.next.Add(2 * s.ttl)) {
		s.spent = [3]map[string]struct{}{}
	}
	s.spent = [3]map[string]struct{}{make(map[string]struct{}), s.spent[0], s.spent[1]}
	s.next = now.Add(s.ttl)
}
