package channel_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

var errDatabase = errors.New("db: password hunter2")

// E18: whatever the cause of a kick, and wherever it comes from, an inbox ends with
// the same code and reason, and never as if its peer had gone.
func TestE18_KickCauses(t *testing.T) {
	chosen := &parley.CloseError{Code: 4000, Reason: "bye"}
	for _, test := range []struct {
		name   string
		cause  error
		code   parley.CloseCode
		reason string
		is     error // also in another process
		logs   bool  // that there is more than the other process is told
	}{
		{"nothing", nil, 1000, "", nil, false},
		{"chosen", chosen, 4000, "bye", nil, false},
		{"chosen, wrapped", fmt.Errorf("%w: %w", errDatabase, chosen), 4000, "bye", nil, true},
		{"chosen, with a cause", fmt.Errorf("%w: %w", chosen, parley.ErrAuthExpired), 4000, "bye",
			parley.ErrAuthExpired, true},
		{"a long reason", &parley.CloseError{Code: 4000, Reason: strings.Repeat("ä", 100)}, 4000,
			strings.Repeat("ä", 61), nil, false},
		{"expired", parley.ErrAuthExpired, 4401, "", parley.ErrAuthExpired, false},
		{"too old", parley.ErrTooOld, 1012, "", parley.ErrTooOld, false},
		{"overloaded, wrapped", fmt.Errorf("%w: %w", errDatabase, parley.ErrOverloaded), 1013, "",
			parley.ErrOverloaded, true},
		{"gone", parley.ErrDisconnected, 1011, "", nil, true},
		{"another error", errDatabase, 1011, "", nil, true},
	} {
		for _, from := range []string{"here", "there"} {
			for _, way := range []string{"Kick", "KickGroup"} {
				t.Run(test.name+" "+from+" "+way, func(t *testing.T) {
					var broker channel.Broker
					here := newLayer(t, channel.Options{
						Transport: broker.Connect(), Logger: slog.New(slog.DiscardHandler),
					})
					var log bytes.Buffer
					there := newLayer(t, channel.Options{
						Transport: broker.Connect(), Logger: slog.New(slog.NewTextHandler(&log, nil)),
					})
					inbox := open(t, here, channel.InboxOptions{})
					join(t, inbox, "user.7")
					layer := map[string]*channel.Layer{"here": here, "there": there}[from]
					var err error
					if way == "Kick" {
						err = layer.Kick(ctx, inbox.Name(), test.cause)
					} else {
						_, err = layer.KickGroup(ctx, "user.7", test.cause)
					}
					if err != nil {
						t.Fatal(err)
					}
					ended := inbox.Err()
					if !errors.Is(ended, channel.ErrClosed) || errors.Is(ended, parley.ErrDisconnected) {
						t.Errorf("ended with %v", ended)
					}
					var said *parley.CloseError
					errors.As(ended, &said)
					if parley.CodeOf(ended) != test.code || said != nil && from == "there" &&
						said.Reason != test.reason {
						t.Errorf("code %d, %+v", parley.CodeOf(ended), said)
					}
					if test.is != nil && !errors.Is(ended, test.is) {
						t.Errorf("%v is not %v", ended, test.is)
					}
					if from == "here" {
						if test.cause != nil && test.cause != parley.ErrDisconnected &&
							!errors.Is(ended, test.cause) {
							t.Errorf("%v is not its cause", ended)
						}
						return
					}
					if strings.Contains(ended.Error(), "password") {
						t.Errorf("the other process is told %q", ended)
					}
					if logged := strings.Contains(log.String(), "channel: kick"); logged != test.logs ||
						errors.Is(test.cause, errDatabase) != strings.Contains(log.String(), "password") {
						t.Errorf("log %q", log.String())
					}
				})
			}
		}
	}
}

// A kick is no message: Options.MaxMessage does not hold it up.
func TestKickPassesMaxMessage(t *testing.T) {
	var broker channel.Broker
	here := newLayer(t, channel.Options{Transport: broker.Connect(), MaxMessage: 1})
	there := newLayer(t, channel.Options{Transport: broker.Connect(), MaxMessage: 1})
	inbox := open(t, here, channel.InboxOptions{})
	if err := there.Kick(ctx, inbox.Name(),
		&parley.CloseError{Code: 4000, Reason: "bye"}); err != nil {
		t.Fatal(err)
	}
	if got := parley.CodeOf(inbox.Err()); got != 4000 {
		t.Errorf("ended with %v", inbox.Err())
	}
}

func TestKickGroupOfABadName(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	if n, err := layer.KickGroup(ctx, "a b", nil); n != 0 || !errors.Is(err, channel.ErrName) {
		t.Errorf("kicked %d: %v", n, err)
	}
}
