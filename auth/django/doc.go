// Package django reads the sessions of a Django project, so that whoever is logged in
// there is known here: with its session cookie, its users, and its rules. It writes
// nothing; logging in and out stays in Django.
//
//	package main
//
//	import (
//		"context"
//		"database/sql"
//		"net/http"
//		"os"
//
//		"github.com/parleygo/parley"
//		"github.com/parleygo/parley/adapters/nethttp"
//		"github.com/parleygo/parley/auth"
//		"github.com/parleygo/parley/auth/django"
//	)
//
//	func main() {
//		db, err := sql.Open("sqlite", "db.sqlite3")
//		if err != nil {
//			panic(err)
//		}
//		sessions := django.NewSessions(django.Options{
//			SecretKey: os.Getenv("SECRET_KEY"),
//			Store:     django.Database(db, "?"),
//			Identify: func(ctx context.Context, id string) (*django.Account, error) {
//				var account django.Account
//				var name string
//				err := db.QueryRowContext(ctx,
//					"SELECT username, password FROM auth_user WHERE id = ? AND is_active", id,
//				).Scan(&name, &account.Password)
//				if err == sql.ErrNoRows {
//					return nil, nil
//				}
//				account.User = name
//				return &account, err
//			},
//		})
//		stack := auth.Stack(auth.StackOptions{Auth: auth.Options{
//			Authenticators: []auth.Authenticator{auth.Ambient(sessions)},
//		}})
//		app := stack(auth.Require(auth.RequireOptions{})(parley.WebSocketFunc(hello)))
//		http.ListenAndServe("127.0.0.1:8080", nethttp.Handler(app))
//	}
//
//	func hello(ctx context.Context, ws *parley.Socket) error {
//		name, err := auth.User[string](ctx)
//		if err != nil {
//			return err
//		}
//		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
//			return err
//		}
//		return ws.Write(ctx, parley.Text("hello "+name))
//	}
//
// Sessions in signed cookies need no Store; those in a database, and in the cached_db that
// writes through to one, are read by Database; those in a cache by a Store of your own.
// Sessions that are serialized with pickle cannot be read, since reading pickle is running
// what it says.
//
// A session is nobody's, as in Django, when it has expired, is not signed with the key
// or one of its fallbacks, has another hash of the password than the user has now, or when
// there is no such user any more: a page of HTTP goes on without a user, and auth.Require
// refuses. Django's cookie gives no protection against foreign pages on sockets: the
// middleware Origin does, which auth.Stack has.
package django
