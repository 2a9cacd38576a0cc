// Package auth finds out who is talking, keeps out who may not come in, and ends
// what is open when that changes: for HTTP requests, sockets and event streams
// alike, with sessions, tokens, tickets and certificates.
//
//	package main
//
//	import (
//		"context"
//		"net/http"
//
//		"github.com/alexedwards/scs/v2"
//		"github.com/parleygo/parley/adapters/nethttp"
//		"github.com/parleygo/parley/auth"
//		"github.com/parleygo/parley/channel"
//		"github.com/parleygo/parley/router"
//	)
//
//	type Account struct{ Name string }
//
//	func main() {
//		manager := scs.New() // with a store that lasts, in production
//		sessions := auth.NewSessions(auth.SessionOptions{
//			Manager: manager,
//			Identify: func(ctx context.Context, id string) (*auth.Identity, error) {
//				return &auth.Identity{ID: id, User: &Account{Name: id}}, nil // ask a database
//			},
//		})
//		stack := auth.Stack(auth.StackOptions{
//			Sessions: manager,
//			Auth: auth.Options{
//				Authenticators: []auth.Authenticator{sessions},
//				Revocations:    auth.NewChannelRevocations(channel.New(channel.Options{})),
//			},
//		})
//		login := func(w http.ResponseWriter, r *http.Request) { // ask for a password
//			if err := sessions.Login(r.Context(), &auth.Identity{ID: "ann"}); err != nil {
//				http.Error(w, "try again", http.StatusServiceUnavailable)
//			}
//		}
//		hello := func(w http.ResponseWriter, r *http.Request) {
//			account, _ := auth.User[*Account](r.Context())
//			w.Write([]byte("hello " + account.Name))
//		}
//		var routes router.URLs
//		routes.Handle("POST /login", nethttp.App(http.HandlerFunc(login)))
//		routes.Handle("/", auth.Require(auth.RequireOptions{})(nethttp.App(http.HandlerFunc(hello))))
//		http.ListenAndServe("127.0.0.1:8080", nethttp.Handler(stack(&routes)))
//	}
//
// [Middleware] asks its authenticators ([Sessions], [Bearer], [Subprotocol],
// [Tickets], [ClientCert], or functions of your own) and lets anonymous clients
// pass; [Require] does not. [User] tells an app who it is. [LoadAndSave] is the
// session of a browser, with or without a login in it. [Revocations] carry the
// news of a logout to where sockets are. [Stack] is all of it in the usual order,
// with the guards of package middleware.
//
// Lifespan, channels and protocols that are not known pass everything here.
// Mistakes of wiring panic when the middleware is made. All values may be used by
// many conversations at once.
package auth
