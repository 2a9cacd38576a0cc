package auth_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/parleytest"
)

// E18, B5.12: revocation of a user closes what they have open, and nobody else's.
func TestRevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := channel.New(channel.Options{})
		defer layer.Close(t.Context())
		revocations := auth.NewChannelRevocations(layer)
		app := auth.Middleware(auth.Options{
			Authenticators: []auth.Authenticator{newBearer()}, Revocations: revocations,
		})(whoami)
		open := func(user string) *parleytest.Socket {
			ws := parleytest.Dial(t, app, get("/", "Authorization", "Bearer "+tokenFor(t, user, time.Hour)))
			if got := ws.Receive().Text(); got != user {
				t.Errorf("%q, want %q", got, user)
			}
			return ws
		}
		ann1, ann2, bob := open("ann"), open("ann"), open("bob")
		if err := auth.RevokeUser(t.Context(), revocations, "ann"); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for _, ws := range []*parleytest.Socket{ann1, ann2} {
			if code, _ := ws.Closed(); code != parley.CloseUnauthorized {
				t.Errorf("closed with %d", code)
			}
			ws.Wait()
		}
		if took := time.Since(start); took > time.Second || !bob.Quiet() {
			t.Errorf("took %v", took)
		}
		bob.Close(1000, "")
		bob.Wait()
		if stats := layer.Members("auth." + channel.Group(auth.UserSubject("bob"))); len(stats) != 0 {
			t.Errorf("left behind: %v", stats)
		}
	})
}

// A layer that is closed can tell nobody any more: the sockets end with it.
func TestRevocationLayerClosed(t *testing.T) {
	layer := channel.New(channel.Options{})
	app := auth.Middleware(auth.Options{
		Authenticators: []auth.Authenticator{newBearer()}, Revocations: auth.NewChannelRevocations(layer),
	})(whoami)
	r := as(t, "ann", time.Hour)
	ws := parleytest.Dial(t, app, r)
	ws.Receive()
	layer.Close(t.Context())
	if code, _ := ws.Closed(); code != parley.CloseServiceRestart {
		t.Errorf("closed with %d", code)
	}
	ws.Wait()
	got := parleytest.Dial(t, app, r).Denial()
	if got.Status != 503 || !errors.Is(got.Err, channel.ErrClosed) {
		t.Errorf("%d %v", got.Status, got.Err)
	}
}

// The news reaches sockets of another process.
func TestRevocationAcrossProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := new(channel.Broker)
		here := channel.New(channel.Options{Transport: broker.Connect()})
		there := channel.New(channel.Options{Transport: broker.Connect()})
		defer here.Close(t.Context())
		defer there.Close(t.Context())
		app := revocable(auth.NewChannelRevocations(there))(whoami)
		ws := parleytest.Dial(t, app, as(t, "ann", time.Hour))
		ws.Receive()
		if err := auth.RevokeUser(t.Context(), auth.NewChannelRevocations(here), "ann"); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if code, _ := ws.Closed(); code != parley.CloseUnauthorized || time.Since(start) > time.Second {
			t.Errorf("closed with %d after %v", code, time.Since(start))
		}
		ws.Wait()
	})
}
