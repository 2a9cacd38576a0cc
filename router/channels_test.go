package router_test

import (
	"context"
	"errors"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/router"
)

// B1.18: exact names, and ErrNoRoute for others.
func TestChannels(t *testing.T) {
	var served string
	app := func(name string) parley.App {
		return parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error {
			served = name
			return nil
		})
	}
	channels := router.Channels{"thumbnails": app("thumbnails"), "mail": app("mail"), "none": nil}
	for _, test := range []struct {
		protocol parley.Protocol
		channel  string
		served   string
		err      error
	}{
		{parley.Channel, "mail", "mail", nil},
		{parley.Channel, "thumbnails", "thumbnails", nil},
		{parley.Channel, "mail.", "", router.ErrNoRoute},
		{parley.Channel, "none", "", router.ErrNoRoute},
		{parley.Channel, "", "", parley.ErrNotFound},
		{parley.WebSocket, "mail", "", errors.ErrUnsupported},
		{parley.HTTP, "mail", "", errors.ErrUnsupported},
	} {
		served = ""
		err := channels.Serve(t.Context(), &parley.Scope{Protocol: test.protocol, Channel: test.channel},
			nil)
		if served != test.served || !errors.Is(err, test.err) {
			t.Errorf("%s %q: served %q, %v", test.protocol, test.channel, served, err)
		}
	}
}
