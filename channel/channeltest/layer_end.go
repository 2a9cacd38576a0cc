package channeltest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// kick: code, reason and cause travel; it is never as if the peer had gone.
func kick(t *testing.T, layers cluster) {
	first, last := layers[0], layers[len(layers)-1]
	chosen := &parley.CloseError{Code: 4000, Reason: "bye, héloïse"}
	stays := open(t, last)
	for _, test := range []struct {
		cause  error
		code   parley.CloseCode
		reason string
	}{
		{parley.ErrAuthExpired, parley.CloseUnauthorized, ""},
		{parley.ErrRateLimited, parley.CloseRateLimited, ""},
		{chosen, chosen.Code, chosen.Reason},
		{nil, parley.CloseNormal, ""},
	} {
		group := channel.Group(unique("user"))
		one, more := open(t, last), open(t, last, group)
		if err := first.Kick(patient(t), one.Name(), test.cause); err != nil {
			t.Fatal(err)
		}
		if _, err := first.KickGroup(patient(t), group, test.cause); err != nil {
			t.Fatal(err)
		}
		for _, inbox := range []*channel.Inbox{one, more} {
			_, err := inbox.Receive(patient(t))
			var said parley.CloseError
			if as := new(parley.CloseError); errors.As(err, &as) {
				said = *as
			}
			if !errors.Is(err, channel.ErrClosed) || errors.Is(err, parley.ErrDisconnected) ||
				parley.CodeOf(err) != test.code || said.Reason != test.reason {
				t.Errorf("kicked by %v: %v", test.cause, err)
			}
		}
	}
	if err := stays.Err(); err != nil {
		t.Errorf("not kicked: %v", err)
	}
}

func resultCounts(t *testing.T, layers cluster) {
	group := channel.Group(unique("room"))
	if got := groupSend(t, layers[0], group, "x"); got != (channel.SendResult{}) {
		t.Errorf("empty group: %+v", got)
	}
	for i, layer := range layers {
		for range i + 1 {
			open(t, layer, group)
		}
	}
	for i, layer := range layers {
		want := channel.SendResult{Matched: i + 1, Enqueued: i + 1}
		if got := groupSend(t, layer, group, "x"); got != want {
			t.Errorf("layer %d: %+v, want %+v", i, got, want)
		}
	}
}

func badInput(t *testing.T, layers cluster) {
	inbox := open(t, layers[len(layers)-1])
	large := channel.NewMessage("blob", make([]byte, 1<<20+1))
	long := channel.Group(strings.Repeat("n", channel.MaxName+1))
	for _, layer := range layers {
		_, groupErr := layer.GroupSend(patient(t), "bad group", text("x"))
		_, longErr := layer.GroupSend(patient(t), long, text("x"))
		_, largeErr := layer.GroupSend(patient(t), "room", large)
		for i, test := range []struct{ got, want error }{
			{groupErr, channel.ErrName},
			{longErr, channel.ErrName},
			{largeErr, channel.ErrTooLarge},
			{layer.Send(patient(t), "bad name", text("x")), channel.ErrName},
			{layer.Send(patient(t), inbox.Name(), channel.Message{}), channel.ErrName},
			{layer.Send(patient(t), inbox.Name(), large), channel.ErrTooLarge},
			{inbox.Join(patient(t), "bad\n"), channel.ErrName},
		} {
			if !errors.Is(test.got, test.want) {
				t.Errorf("%d: %v, want %v", i, test.got, test.want)
			}
		}
		over, cancel := context.WithCancel(context.Background())
		cancel()
		if err := layer.Send(over, inbox.Name(), text("x")); !errors.Is(err, context.Canceled) {
			t.Errorf("ctx is over: %v", err)
		}
	}
	if stats := inbox.Stats(); stats.Enqueued != 0 {
		t.Errorf("something arrived: %+v", stats)
	}
}

// closeLayers: the others go on without the one that is closed.
func closeLayers(t *testing.T, layers cluster) {
	group := channel.Group(unique("room"))
	gone := open(t, layers[0], group)
	if err := layers[0].Close(patient(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := gone.Receive(patient(t)); !errors.Is(err, channel.ErrClosed) ||
		!errors.Is(err, parley.ErrDraining) {
		t.Errorf("receive: %v", err)
	}
	if _, err := layers[0].GroupSend(patient(t), group,
		text("x")); !errors.Is(err, channel.ErrClosed) {
		t.Errorf("send: %v", err)
	}
	for _, layer := range layers[1:] {
		inbox := open(t, layer, group)
		groupSend(t, layer, group, "alive")
		want(t, inbox, "alive")
		inbox.Close()
	}
}
