package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"

	"github.com/alexedwards/scs/v2"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/middleware"
)

// login knows who is who. There is no password: whoever gives a name has it for the
// session. A real one looks into its database in enter and identify, and keeps the
// sessions there, so that they outlive the process (scs has stores for all of them).
type login struct {
	sessions *auth.Sessions
	stack    parley.Middleware
	require  parley.Middleware
}

func newLogin(layer *channel.Layer) *login {
	manager := scs.New()
	sessions := auth.NewSessions(auth.SessionOptions{Manager: manager, Identify: identify})
	return &login{
		sessions: sessions,
		require:  auth.Require(auth.RequireOptions{}),
		stack: auth.Stack(auth.StackOptions{
			Proxies: middleware.NewTrustedProxies(middleware.ProxiesOptions{
				Trust: strings.Fields(os.Getenv("TRUSTED_PROXIES")),
			}),
			AccessLog: &middleware.AccessLogOptions{},
			Sessions:  manager,
			Auth: auth.Options{
				Authenticators: []auth.Authenticator{sessions},
				Revocations:    auth.NewChannelRevocations(layer),
			},
		}),
	}
}

func identify(_ context.Context, id string) (*auth.Identity, error) {
	return &auth.Identity{ID: id, User: id}, nil
}

// enter logs somebody in by the name they give.
func (l *login) enter(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimSpace(r.PostFormValue("name"))
	if name == "" || len(name) > 50 {
		http.Error(w, "a name, please", http.StatusBadRequest)
		return
	}
	if err := l.sessions.Login(r.Context(), &auth.Identity{ID: name, User: name}); err != nil {
		http.Error(w, "try again", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// leave logs out. Sockets that were opened with the session close at once.
func (l *login) leave(w http.ResponseWriter, r *http.Request) {
	if err := l.sessions.Logout(r.Context()); err != nil {
		http.Error(w, "try again", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// me says who and where the client is.
func me(w http.ResponseWriter, r *http.Request) {
	name, _ := auth.User[string](r.Context())
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"name": name, "client": r.RemoteAddr})
}
