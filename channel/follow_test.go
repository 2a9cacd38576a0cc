package channel_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/feed"
)

// follower is a sink whose inbox may follow its groups. It remembers all messages,
// whichever way they came.
type follower struct {
	options *followerOptions

	mu      sync.Mutex
	place   *feed.Place
	got     []string
	handed  int
	verdict channel.Verdict
}

// followerOptions are comparable, by address: the carrier and the table.
type followerOptions struct{ walks sync.WaitGroup }

func (o *followerOptions) Forwards(typ string) bool { return typ == "text" }
func (o *followerOptions) Window() int              { return 200 }
func (o *followerOptions) Frame(p *parley.Prepared) []byte {
	return p.Frame("line", func(_ parley.MessageType, data []byte) []byte {
		return append(bytes.Clone(data), '\n')
	})
}
func (o *followerOptions) Call(f *feed.Feed) {
	o.walks.Go(func() {
		for f.Walk(); !f.Done(); f.Walk() {
		}
	})
}

func (m *follower) Table() feed.Table     { return m.options }
func (m *follower) Carrier() feed.Carrier { return m.options }

func (m *follower) Follow(seat feed.Seat) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.place == nil && m.verdict == channel.Accepted {
		m.place = seat.Take(m)
	}
}

func (m *follower) Unfollow(place *feed.Place) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.place != nil && (place == nil || m.place == place) {
		m.add(m.place.Leave())
		m.place = nil
	}
}

func (m *follower) CatchUp() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.catchUp()
}

func (m *follower) catchUp() {
	if m.place != nil {
		m.add(m.place.Take())
	}
}

func (m *follower) add(batch feed.Batch) {
	lines := strings.Fields(string(batch.Frames))
	if len(lines) != batch.Messages {
		panic(fmt.Sprintf("%d messages are %q", batch.Messages, lines))
	}
	m.got = append(m.got, lines...)
}

// deliver is the way of those who are handed each message.
func (m *follower) deliver(message channel.Message) channel.Verdict {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.catchUp()
	if m.verdict == channel.Accepted {
		m.got = append(m.got, string(message.Payload()))
		m.handed++
	}
	return m.verdict
}

func (m *follower) messages() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.catchUp()
	return slices.Clone(m.got)
}

// followers opens inboxes that are in the groups.
func followers(
	t *testing.T, layer *channel.Layer, count int, groups ...channel.Group,
) ([]*follower, []*channel.Inbox) {
	options := new(followerOptions)
	t.Cleanup(options.walks.Wait)
	list, inboxes := make([]*follower, count), make([]*channel.Inbox, count)
	for i := range list {
		m := &follower{options: options}
		inbox, err := layer.Open(feed.With(ctx, m),
			channel.InboxOptions{Deliver: m.deliver, Policy: channel.DropNewest})
		if err != nil {
			t.Fatal(err)
		}
		join(t, inbox, groups...)
		list[i], inboxes[i] = m, inbox
	}
	return list, inboxes
}

// A member is handed one message, follows from then on, and every count is as if it
// were handed each.
func TestFollowing(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	const count, messages = 40, 50
	members, inboxes := followers(t, layer, count, "room")
	queue := open(t, layer, channel.InboxOptions{})
	join(t, queue, "room")
	var want []string
	for i := range messages {
		want = append(want, fmt.Sprint(i))
		if got := groupSend(t, layer, "room", want[i]); got.Enqueued != count+1 {
			t.Errorf("%+v", got)
		}
	}
	if got := unread(t, queue); !slices.Equal(got, want) {
		t.Errorf("the queue beside them got %q", got)
	}
	for i, m := range members {
		if got := m.messages(); !slices.Equal(got, want) || m.handed != 1 {
			t.Errorf("member %d: %q, %d of them handed", i, got, m.handed)
		}
		if got := inboxes[i].Stats(); got.Received != messages || got.Enqueued != messages {
			t.Errorf("member %d: %+v", i, got)
		}
	}
}

// In a small group nobody follows.
func TestFewDoNotFollow(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	members, _ := followers(t, layer, 3, "room")
	for i := range 10 {
		groupSend(t, layer, "room", fmt.Sprint(i))
	}
	if handed := members[0].handed; handed != 10 {
		t.Errorf("%d were handed", handed)
	}
}

// What is not forwarded, and what is too large, is handed to those who follow too,
// in its place.
func TestFollowersAreHandedWhatIsHandled(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	members, _ := followers(t, layer, 40, "room")
	large := strings.Repeat("l", 300)
	groupSend(t, layer, "room", "0")
	for _, m := range []channel.Message{
		text("1"), channel.NewMessage("other", []byte("2")), text("3"), text(large), text("5"),
	} {
		if got, err := layer.GroupSend(ctx, "room", m); err != nil || got.Enqueued != 40 {
			t.Errorf("%+v, %v", got, err)
		}
	}
	want := []string{"0", "1", "2", "3", large, "5"}
	for i, m := range members {
		if got := m.messages(); !slices.Equal(got, want) || m.handed != 3 {
			t.Errorf("member %d: %.50q, %d of them handed", i, got, m.handed)
		}
	}
}

// Each way of ceasing to follow: what was sent before has come, what is sent then
// is handed, refused, or nobody's.
func TestFollowingEnds(t *testing.T) {
	for name, row := range map[string]struct {
		end     func(*follower, *channel.Inbox)
		matched int
		taken   int
	}{
		"leaves":        {func(_ *follower, in *channel.Inbox) { in.Leave("room") }, 39, 39},
		"closes":        {func(_ *follower, in *channel.Inbox) { in.Close() }, 39, 39},
		"its own doing": {func(m *follower, _ *channel.Inbox) { m.Unfollow(nil) }, 40, 40},
		"is full": {func(m *follower, _ *channel.Inbox) {
			m.Unfollow(nil)
			m.verdict = channel.Full
		}, 40, 39},
		"joins again": {func(_ *follower, in *channel.Inbox) {
			in.Leave("room")
			_ = in.Join(ctx, "room")
		}, 40, 40},
	} {
		t.Run(name, func(t *testing.T) {
			layer := newLayer(t, channel.Options{})
			members, inboxes := followers(t, layer, 40, "room")
			for i := range 3 {
				groupSend(t, layer, "room", fmt.Sprint(i))
			}
			row.end(members[7], inboxes[7])
			want := channel.SendResult{
				Matched: row.matched, Enqueued: row.taken, Dropped: row.matched - row.taken,
			}
			for i := range 3 {
				if got := groupSend(t, layer, "room", fmt.Sprint(3+i)); got != want {
					t.Errorf("%+v, want %+v", got, want)
				}
			}
			all := []string{"0", "1", "2", "3", "4", "5"}
			if row.taken < 40 {
				all = all[:3]
			}
			if got := members[7].messages(); !slices.Equal(got, all) {
				t.Errorf("got %q, want %q", got, all)
			}
		})
	}
}

// Where all members are of different kinds, only some follow: a feed for each would be
// worth nothing.
func TestManyKinds(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	var all []*follower
	for range 40 {
		members, _ := followers(t, layer, 1, "room")
		all = append(all, members...)
	}
	following := 0
	for range 3 {
		if got := groupSend(t, layer, "room", "x"); got.Enqueued != 40 {
			t.Errorf("%+v", got)
		}
	}
	for i, m := range all {
		if got := m.messages(); len(got) != 3 {
			t.Errorf("member %d got %q", i, got)
		}
		if m.handed == 1 {
			following++
		}
	}
	if following != 8 {
		t.Errorf("%d follow", following)
	}
}

// One follows one group at a time. The messages of one sender to several groups
// come in order all the same, and who moves to another group loses none.
func TestOrderOverGroups(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	members, inboxes := followers(t, layer, 40, "a", "b")
	const senders, each = 3, 200
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			for i := range each {
				group := channel.Group("ab"[(i/7)%2:][:1])
				message := text(fmt.Sprintf("%d:%03d", s, i))
				if result, err := layer.GroupSend(ctx, group, message); err != nil ||
					result.Enqueued != 40 {
					t.Errorf("%+v, %v", result, err)
				}
			}
		})
	}
	all.Go(func() {
		for i := range each { // some stop at random, and begin again
			members[i%40].Unfollow(nil)
		}
	})
	all.Wait()
	for i, m := range members {
		var next [senders]int
		for _, line := range m.messages() {
			s := line[0] - '0'
			if want := fmt.Sprintf("%d:%03d", s, next[s]); line != want {
				t.Fatalf("member %d got %s, want %s", i, line, want)
			}
			next[s]++
		}
		if got := inboxes[i].Stats().Received; got != senders*each {
			t.Errorf("member %d: %d received", i, got)
		}
	}
}

// Members that follow come and go while others send; newLayer accounts for it.
func TestFollowersComeAndGo(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	followers(t, layer, 40, "room")
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for i := range 200 {
				groupSend(t, layer, "room", fmt.Sprint(i))
			}
		})
		all.Go(func() {
			for range 20 {
				_, inboxes := followers(t, layer, 5, "room", "other")
				groupSend(t, layer, "other", "x")
				for i, inbox := range inboxes {
					if i%2 == 0 {
						inbox.Leave("room")
					}
					if err := layer.Kick(context.Background(), inbox.Name(), nil); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
}
