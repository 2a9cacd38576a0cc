package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
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
	// nil is nobody that we know (401). Default: who the session of IssueFrom is of;
	// of other tickets the id is the User, too. Set Expires: a ticket of Issue
	// does not say how long the socket may live.
	Identify func(ctx context.Context, id string) (*Identity, error)
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
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired(),
		jwt.WithAudience(ticketAudience), jwt.WithStrictDecoding())
	return &Tickets{o, parser}
}

// Issue makes a ticket for a user, of no login: a logout does not end it, nor what it
// opens. It stands in a URL as it is. See IssueFrom.
func (t *Tickets) Issue(id string) (string, error) {
	if id == "" {
		return "", errors.New("auth: ticket for nobody")
	}
	return t.sign(&ticketClaims{}, id)
}

func (t *Tickets) sign(claims *ticketClaims, id string) (string, error) {
	claims.RegisteredClaims = jwt.RegisteredClaims{
		Subject: id, ID: rand.Text(), Audience: jwt.ClaimStrings{ticketAudience},
		ExpiresAt: jwt.NewNumericDate(earlier(time.Now().Add(t.options.TTL), claims.Until)),
	}
	ticket := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
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
	return t.identify(ctx, claims)
}

// Recheck implements Rechecker: the ticket is spent, but its user may be gone, or the
// login that it was issued in.
func (t *Tickets) Recheck(ctx context.Context, _ *parley.Scope, known Identity) (*Identity, error) {
	return t.identify(ctx, known.ticket)
}

func (t *Tickets) verify(ticket string) (*ticketClaims, error) {
	if len(ticket) > maxTicket {
		return nil, badCredentials("ticket", "too-large")
	}
	claims := new(ticketClaims)
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
	below := *scope
	below.Request = withoutParam(scope.Request, t.options.Param)
	return &below
}
