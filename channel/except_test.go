package channel_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley/channel"
)

// All but one: alone and over a transport, kept and not, and in a group whose sockets
// follow.
func TestGroupSendExcept(t *testing.T) {
	for where, layers := range histories {
		for _, group := range []channel.Group{"room", "plain"} {
			t.Run(fmt.Sprint(where, "/", group), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					one, two := layers(t, channel.Keep{})
					speaks, hears := open(t, one, channel.InboxOptions{}), open(t, two, channel.InboxOptions{})
					join(t, speaks, group)
					join(t, hears, group)
					here := channel.SendResult{}
					if one == two {
						here = channel.SendResult{Matched: 1, Enqueued: 1}
					}
					for range 2 {
						got, err := one.GroupSendExcept(ctx, group, text("x"), speaks.Name())
						if err != nil || got != here {
							t.Errorf("%+v, %v, want %+v", got, err, here)
						}
					}
					if _, err := two.GroupSendExcept(ctx, group, text("y"), speaks.Name()); err != nil {
						t.Error(err)
					}
					groupSend(t, one, group, "all")
					synctest.Wait()
					if got := unread(t, speaks); !slices.Equal(got, []string{"all"}) {
						t.Errorf("who speaks hears %q", got)
					}
					if got := unread(t, hears); !slices.Equal(got, []string{"x", "x", "y", "all"}) {
						t.Errorf("another one hears %q", got)
					}
				})
			})
		}
	}
}

func TestExceptWhoFollows(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	members, inboxes := followers(t, layer, 40, "room")
	for i := range 6 {
		got, err := layer.GroupSendExcept(ctx, "room", text(fmt.Sprint(i)), inboxes[i%2].Name())
		if err != nil || got.Enqueued != 39 || got.Matched != 39 {
			t.Errorf("%+v, %v", got, err)
		}
	}
	for i, want := range [][]string{{"1", "3", "5"}, {"0", "2", "4"}, {"0", "1", "2", "3", "4", "5"}} {
		if got := members[i].messages(); !slices.Equal(got, want) {
			t.Errorf("member %d got %q, want %q", i, got, want)
		}
	}
	if _, err := layer.GroupSendExcept(ctx, "room", text("x"), "bad name"); err == nil {
		t.Error("a bad name is taken")
	}
	if got, err := layer.GroupSendExcept(ctx, "room", text("x"), "nobody"); err != nil || got.Enqueued != 40 {
		t.Errorf("%+v, %v", got, err)
	}
}
