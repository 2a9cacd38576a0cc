package router

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/parleygo/parley"
)

// ErrNoRoute is what Channels returns for a channel without an app. It matches
// parley.ErrNotFound. A worker does not try such a message again: it goes to its
// dead letters.
var ErrNoRoute error = noChannel{}

type noChannel struct{}

func (noChannel) Error() string        { return "router: no app for this channel" }
func (noChannel) Is(target error) bool { return target == parley.ErrNotFound }

// Channels chooses an app by the name of the channel that a message was sent to,
// which must be equal to the key. A channel without an entry, or with a nil one,
// is answered with an error that is ErrNoRoute. Other protocols than
// parley.Channel are refused with a *parley.UnsupportedProtocolError.
//
// A Lifespan conversation reaches every distinct app, in the order of the names;
// see [URLs] for what becomes of failures.
//
// The map is safe for concurrent use as long as nobody writes to it.
type Channels map[string]parley.App

// Serve hands the conversation to the app of its channel.
func (c Channels) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	switch scope.Protocol {
	case parley.Channel:
	case parley.Lifespan:
		return serveLifespan(ctx, scope, conn, distinct(c.apps()))
	default:
		return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
	}
	if app := c[scope.Channel]; app != nil {
		return app.Serve(ctx, scope, conn)
	}
	return fmt.Errorf("%w: %q", ErrNoRoute, scope.Channel)
}

// apps lists the entries in the order in which they hear of the lifespan.
func (c Channels) apps() []parley.App {
	var list []parley.App
	for _, name := range slices.Sorted(maps.Keys(c)) {
		list = append(list, c[name])
	}
	return list
}
