package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/channel"
)

// login knows who is who. There is no password: whoever gives a name has it for
// the session. A real one would look into its database in enter and identify.
type login struct {
	logins *auth.Sessions
	stack  parley.Middleware
}

func newLogin(layer *channel.Layer) *login {
	manager := newSessions()
	logins := auth.NewSessions(auth.SessionOptions{Manager: manager, Identify: identify})
	return &login{logins, auth.Stack(auth.StackOptions{
		Sessions: manager,
		Auth: auth.Options{
			Authenticators: []auth.Authenticator{logins},
			// A logout is told over the layer, and closes what the session has open.
			Revocations: auth.NewChannelRevocations(layer),
		},
	})}
}

// newSessions is what scs.New makes, without its store's goroutine: these are all
// forgotten when the program ends. A real one has a database here.
func newSessions() *scs.SessionManager {
	return &scs.SessionManager{
		Lifetime: 24 * time.Hour,
		Store:    memstore.NewWithCleanupInterval(0),
		Codec:    scs.GobCodec{},
		Cookie:   scs.SessionCookie{Name: "session", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Persist: true},
	}
}

// identify says who the id in a session is.
func identify(_ context.Context, id string) (*auth.Identity, error) {
	return &auth.Identity{ID: id, User: id}, nil
}

// require lets only those in who are logged in, and has an app know their name:
// auth.User[string](ctx). Others are answered with 401, on a handshake too.
func (l *login) require(app parley.App) parley.App {
	return parley.Chain(app, l.stack, auth.Require(auth.RequireOptions{}))
}

// handler is a handler of net/http that knows the session, for a gin route.
func (l *login) handler(h http.HandlerFunc) gin.HandlerFunc {
	return parleygin.Handler(l.stack(nethttp.App(h)))
}

// who answers with the name, or 401.
func (l *login) who(w http.ResponseWriter, r *http.Request) {
	name, err := auth.User[string](r.Context())
	switch {
	case errors.Is(err, auth.ErrAnonymous):
		http.Error(w, "nobody is logged in", http.StatusUnauthorized)
	case err != nil:
		http.Error(w, "try again", http.StatusInternalServerError)
	default:
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write([]byte(name))
	}
}

// enter logs somebody in by the name they give. The session gets a new cookie.
func (l *login) enter(w http.ResponseWriter, r *http.Request) {
	name := nickname(r.PostFormValue("name"))
	if name == "" {
		http.Error(w, "a name, please", http.StatusBadRequest)
		return
	}
	if err := l.logins.Login(r.Context(), &auth.Identity{ID: name, User: name}); err != nil {
		http.Error(w, "try again", http.StatusInternalServerError)
		return
	}
	_, _ = w.Write([]byte(name))
}

// leave logs out. Sockets that were opened with the session close at once, with
// 4401, in every tab.
func (l *login) leave(w http.ResponseWriter, r *http.Request) {
	if err := l.logins.Logout(r.Context()); err != nil {
		http.Error(w, "try again", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// nickname makes a name of what somebody wants to be called: one line, not long.
func nickname(wish string) string {
	printable := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, wish)
	name := []rune(strings.TrimSpace(printable))
	return strings.TrimSpace(string(name[:min(len(name), 24)]))
}
