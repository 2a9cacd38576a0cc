package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/auth/django"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/router"
)

// newSockets are the project's WebSockets: what asgi.py and consumers.py would be.
func newSockets(
	ctx context.Context, s settings, db *sql.DB, layer *channel.Layer,
) (parley.App, error) {
	revocations := auth.NewChannelRevocations(layer)
	if err := followLogouts(ctx, layer, revocations); err != nil {
		return nil, err
	}
	options := django.Options{SecretKey: s.secret, Identify: identify(db)}
	if !s.signedCookies {
		options.Store = django.Database(db, "?")
	}
	stack := auth.Stack(auth.StackOptions{
		Hosts: []string{"localhost", "127.0.0.1"},
		Auth: auth.Options{
			Authenticators: []auth.Authenticator{auth.Ambient(django.NewSessions(options))},
			Revocations:    revocations,
		},
	})
	var urls router.URLs
	urls.Handle("/ws/notes/", consumer.New(func() *reader { return new(reader) },
		consumer.Options{Layer: layer, Groups: []channel.Group{"notes"}},
		consumer.Forward("note.new"), // of whomever, as it is
		consumer.ReceiveType("note.new", (*reader).write),
	))
	return stack(auth.Require(auth.RequireOptions{})(&urls)), nil
}

// identify looks users up where Django keeps them.
func identify(db *sql.DB) func(context.Context, string) (*django.Account, error) {
	return func(ctx context.Context, id string) (*django.Account, error) {
		var name, password string
		row := db.QueryRowContext(ctx,
			"SELECT username, password FROM auth_user WHERE id = ? AND is_active", id)
		if err := row.Scan(&name, &password); errors.Is(err, sql.ErrNoRows) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
		return &django.Account{Password: password, User: name}, nil
	}
}

// reader is one client.
type reader struct{ name string }

// Open says hello.
func (r *reader) Open(ctx context.Context, conn *consumer.Conn) (err error) {
	if r.name, err = auth.User[string](ctx); err != nil {
		return err
	}
	return conn.SendValue(ctx, map[string]string{"type": "hello", "user": r.name})
}

type note struct {
	By   string `json:"by"`
	Text string `json:"text"`
}

// write tells all readers, also those that consumers in Django may serve.
func (r *reader) write(ctx context.Context, conn *consumer.Conn, n note) error {
	message, err := channel.JSON("note.new", struct {
		Type string `json:"type"`
		note
	}{"note.new", note{r.name, n.Text}})
	if err != nil {
		return err
	}
	_, err = conn.Layer().GroupSend(ctx, "notes", message)
	return err
}

// followLogouts ends what users have open who log out in Django: see site/board/apps.py.
func followLogouts(ctx context.Context, layer *channel.Layer, revocations auth.Revocations) error {
	inbox, err := layer.Open(ctx, channel.InboxOptions{Policy: channel.DropOldest})
	if err != nil {
		return err
	}
	if err := inbox.Join(ctx, "accounts"); err != nil {
		return err
	}
	go func() {
		for { // until the layer is closed
			message, err := inbox.Receive(ctx)
			if err != nil {
				return
			}
			var left struct{ User string }
			err = json.Unmarshal(message.Payload(), &left)
			if err != nil || message.Type() != "account.left" {
				continue
			}
			if err := auth.RevokeUser(ctx, revocations, left.User); err != nil {
				log.Print(err)
			}
		}
	}()
	return nil
}
