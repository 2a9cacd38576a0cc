package channel_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/channel"
)

// E1: whatever an inbox loses, the hook is told which message and why.
func TestE1_DropHook(t *testing.T) {
	for _, test := range []struct {
		policy channel.Policy
		lose   func(layer *channel.Layer, inbox *channel.Inbox)
		want   []string
	}{
		{channel.DropNewest, func(layer *channel.Layer, inbox *channel.Inbox) {
			_ = layer.Send(ctx, inbox.Name(), text("2"))
		},
			[]string{"full 2"}},
		{channel.DropOldest, func(layer *channel.Layer, inbox *channel.Inbox) {
			_ = layer.Send(ctx, inbox.Name(), text("2"))
		},
			[]string{"evicted 1"}},
		{channel.CloseSlow, func(layer *channel.Layer, _ *channel.Inbox) {
			_, _ = layer.GroupSend(ctx, "room", text("2"))
		},
			[]string{"discarded 1", "full 2"}},
		{channel.CloseSlow, func(_ *channel.Layer, inbox *channel.Inbox) { inbox.Close() },
			[]string{"discarded 1"}},
		{channel.CloseSlow, func(layer *channel.Layer, _ *channel.Inbox) { layer.Flush() },
			[]string{"discarded 1"}},
		{channel.Coalesce, func(layer *channel.Layer, inbox *channel.Inbox) {
			_ = layer.Send(ctx, inbox.Name(), text("2"))
		},
			nil},
		{channel.CloseSlow, func(layer *channel.Layer, inbox *channel.Inbox) {
			time.Sleep(time.Minute)
			_ = layer.Send(ctx, inbox.Name(), text("2"))
		}, []string{"expired 1"}},
		{channel.CloseSlow, func(layer *channel.Layer, inbox *channel.Inbox) {
			_, _ = inbox.Receive(ctx)
			inbox.Close()
			_ = layer.Send(ctx, inbox.Name(), text("2"))
		}, []string{"closed 2"}},
	} {
		t.Run(fmt.Sprint(test.policy, test.want), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				var inbox *channel.Inbox
				layer := newLayer(t, channel.Options{OnDrop: func(d channel.Drop) {
					if d.Name != inbox.Name() {
						t.Errorf("name %q", d.Name)
					}
					got = append(got, fmt.Sprint(d.Reason, " ", string(d.Message.Payload())))
				}})
				inbox = open(t, layer,
					channel.InboxOptions{Policy: test.policy, Capacity: channel.Capacity{Messages: 1}})
				join(t, inbox, "room")
				send(t, layer, inbox.Name(), "1")
				test.lose(layer, inbox)
				slices.Sort(got)
				if !slices.Equal(got, test.want) {
					t.Errorf("told of %q, want %q", got, test.want)
				}
			})
		})
	}
}

func TestJSON(t *testing.T) {
	message, err := channel.JSON("chat.line", map[string]int{"n": 1})
	if err != nil || message.Type() != "chat.line" || string(message.Payload()) != `{"n":1}` {
		t.Errorf("%s %s: %v", message.Type(), message.Payload(), err)
	}
	if _, err := channel.JSON("chat.line", func() {}); err == nil {
		t.Error("a function was encoded")
	}
}
