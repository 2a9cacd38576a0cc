package router

import (
	"context"
	"errors"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// explain deals with what the app of a route has returned. Only sockets and plain
// requests are led to routes, so an app that refuses a plain request is there for
// sockets: a client that has found it hears so, instead of "not found".
func explain(ctx context.Context, scope *parley.Scope, conn parley.Conn, err error) error {
	var refused *parley.UnsupportedProtocolError
	if scope.Protocol != parley.HTTP || !errors.As(err, &refused) || refused.Protocol != parley.HTTP {
		return err
	}
	a := upgradeRequired(scope.Request)
	if a.send(ctx, scope, conn) != nil {
		return err // the app has answered, against what the error says
	}
	return nil
}

func upgradeRequired(r *http.Request) *answer {
	a := new(answer)
	protocol.OfferUpgrade(a.Header(), r)
	http.Error(a, protocol.UpgradeRequired, http.StatusUpgradeRequired)
	return a
}
