package channel_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

func TestB6_1_Send(t *testing.T) {
	layer := newLayer(t, channel.Options{Capacity: channel.Capacity{Messages: 2}, MaxMessage: 4})
	inbox := open(t, layer, channel.InboxOptions{})
	gone := errors.New("caller is gone")
	over, cancel := context.WithCancelCause(ctx)
	cancel(gone)

	send(t, layer, inbox.Name(), "a", "b")
	for _, test := range []struct {
		name    string
		ctx     context.Context
		to      channel.Name
		message channel.Message
		want    error
	}{
		{"a full inbox is an error and never blocks", ctx, inbox.Name(), text("c"), channel.ErrFull},
		{"general name that nobody has", ctx, "nobody", text("c"), channel.ErrNoInbox},
		{"name of this layer that nobody has", ctx, inbox.Name() + "X", text("c"), channel.ErrNoInbox},
		{"name of another layer", ctx, "inbox.ELSEWHERE!X", text("c"), channel.ErrNoInbox},
		{"bad name", ctx, "no body", text("c"), channel.ErrName},
		{"too large", ctx, inbox.Name(), text("12345"), channel.ErrTooLarge},
		{"without a type", ctx, inbox.Name(), channel.NewMessage("", nil), channel.ErrName},
		{"the zero message", ctx, inbox.Name(), channel.Message{}, channel.ErrName},
		{"bad type", ctx, inbox.Name(), channel.NewMessage("chat line", nil), channel.ErrName},
		{"ctx is over", over, inbox.Name(), text("c"), gone},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := layer.Send(test.ctx, test.to, test.message); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
	if got := unread(t, inbox); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("received %q", got)
	}
}

func TestB6_2_FirstInFirstOut(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	inbox := open(t, layer, channel.InboxOptions{})
	next := 0
	for i := range 300 { // the ring grows, wraps and is given back
		send(t, layer, inbox.Name(), strconv.Itoa(i))
		if i%3 != 0 {
			continue
		}
		if got := receive(t, inbox); got != strconv.Itoa(next) {
			t.Fatalf("received %s, want %d", got, next)
		}
		next++
	}
	for _, got := range unread(t, inbox) {
		if got != strconv.Itoa(next) {
			t.Fatalf("received %s, want %d", got, next)
		}
		next++
	}
	if next != 300 {
		t.Errorf("received %d messages", next)
	}
}

func TestB6_2_EachMessageGoesToOneReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t, channel.Options{})
		inbox := open(t, layer, channel.InboxOptions{Name: "jobs"})
		var mu sync.Mutex
		seen := make(map[string]int)
		for range 5 {
			go func() {
				for {
					message, err := inbox.Receive(ctx)
					if err != nil {
						return
					}
					mu.Lock()
					seen[string(message.Payload())]++
					mu.Unlock()
				}
			}()
		}
		for i := range 200 {
			send(t, layer, "jobs", strconv.Itoa(i))
		}
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if len(seen) != 200 {
			t.Errorf("%d of 200 messages arrived", len(seen))
		}
		for s, n := range seen {
			if n != 1 {
				t.Errorf("message %s arrived %d times", s, n)
			}
		}
		inbox.Close()
	})
}

// A receiver that gives up must not take another one's wake-up with it.
func TestB6_2_ACancelledReaderLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t, channel.Options{})
		inbox := open(t, layer, channel.InboxOptions{})
		stop := errors.New("stop")
		var readers sync.WaitGroup
		for i := range 100 {
			leaving, leave := context.WithCancelCause(ctx)
			readers.Go(func() {
				if _, err := inbox.Receive(leaving); err != nil && err != stop {
					t.Errorf("receive: %v", err)
				}
			})
			var staying sync.WaitGroup
			staying.Go(func() { receive(t, inbox) })
			synctest.Wait()
			go leave(stop)
			send(t, layer, inbox.Name(), strconv.Itoa(i))
			synctest.Wait()
			send(t, layer, inbox.Name(), "for whoever is left")
			staying.Wait()
			readers.Wait()
			unread(t, inbox)
		}
	})
}

func TestB6_3_NewChannel(t *testing.T) {
	layer, other := newLayer(t, channel.Options{}), newLayer(t, channel.Options{})
	seen := make(map[channel.Name]bool)
	for range 1000 {
		name, err := layer.NewChannel("chat.room")
		if err != nil || seen[name] {
			t.Fatalf("%s: %v, seen %t", name, err, seen[name])
		}
		seen[name] = true
	}
	name, _ := layer.NewChannel("")
	if inbox := open(t, layer, channel.InboxOptions{Name: name}); inbox.Name() != name {
		t.Errorf("opened %s as %s", name, inbox.Name())
	}
	if _, err := layer.Open(ctx, channel.InboxOptions{Name: name}); !errors.Is(err, channel.ErrTaken) {
		t.Errorf("second inbox of a name: %v", err)
	}
	if _, err := other.Open(ctx,
		channel.InboxOptions{Name: name}); !errors.Is(err, channel.ErrForeign) {
		t.Errorf("B7.12: name of another layer: %v", err)
	}
	for _, prefix := range []string{"with!mark", "with blank", strings.Repeat("p", 57)} {
		if _, err := layer.Open(ctx,
			channel.InboxOptions{Prefix: prefix}); !errors.Is(err, channel.ErrName) {
			t.Errorf("prefix %q: %v", prefix, err)
		}
	}
}

func TestB6_4_Groups(t *testing.T) {
	layer := newLayer(t, channel.Options{Capacity: channel.Capacity{Messages: 2}})
	a, b := open(t, layer, channel.InboxOptions{Policy: channel.DropNewest}),
		open(t, layer, channel.InboxOptions{})

	if got := groupSend(t, layer, "room", "x"); got != (channel.SendResult{}) {
		t.Errorf("to an empty group: %+v", got)
	}
	join(t, a, "room", "room") // joining again does not double
	join(t, b, "room", "other")
	if got := groupSend(t, layer, "room", "1"); got != (channel.SendResult{Matched: 2, Enqueued: 2}) {
		t.Errorf("to two members: %+v", got)
	}
	b.Leave("room")
	b.Leave("room")
	b.Leave("never.joined")
	b.Leave("not a name")
	if got := groupSend(t, layer, "room", "2"); got != (channel.SendResult{Matched: 1, Enqueued: 1}) {
		t.Errorf("after one has left: %+v", got)
	}
	if got := groupSend(t, layer, "room", "3"); got != (channel.SendResult{Matched: 1, Dropped: 1}) {
		t.Errorf("a full member is not an error: %+v", got)
	}
	if got := unread(t, a); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("a received %q", got)
	}
	if got := unread(t, b); !slices.Equal(got, []string{"1"}) {
		t.Errorf("b received %q", got)
	}
	if names := layer.Members("other"); !slices.Equal(names, []channel.Name{b.Name()}) {
		t.Errorf("members %q", names)
	}
	b.Close()
	if stats := layer.Stats(); stats.Inboxes != 1 || stats.Groups != 1 || stats.Members != 1 {
		t.Errorf("a closed inbox is a member still: %+v", stats)
	}
	if err := b.Join(ctx, "room"); !errors.Is(err, channel.ErrClosed) {
		t.Errorf("join of a closed inbox: %v", err)
	}
	if err := a.Join(ctx, "bad!group"); !errors.Is(err, channel.ErrName) {
		t.Errorf("join of a bad group: %v", err)
	}
	if _, err := layer.GroupSend(ctx, "bad group", text("x")); !errors.Is(err, channel.ErrName) {
		t.Errorf("send to a bad group: %v", err)
	}
}

func TestB6_5_Flush(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	inbox := open(t, layer, channel.InboxOptions{})
	join(t, inbox, "room")
	send(t, layer, inbox.Name(), "old")
	layer.Flush()
	if stats := layer.Stats(); stats.Unread != 0 || stats.Members != 0 || stats.Discarded != 1 ||
		stats.Inboxes != 1 {
		t.Errorf("after flush: %+v", stats)
	}
	join(t, inbox, "room")
	groupSend(t, layer, "room", "new")
	if got := receive(t, inbox); got != "new" {
		t.Errorf("received %q", got)
	}
}

func TestB6_8_AMessageIsSharedAndFramedOnce(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	a, b := open(t, layer, channel.InboxOptions{}), open(t, layer, channel.InboxOptions{})
	join(t, a, "room")
	join(t, b, "room")
	message := channel.FromPrepared("cursor", parley.Prepare(parley.Binary([]byte{1, 2})))
	if _, err := layer.GroupSend(ctx, "room", message); err != nil {
		t.Fatal(err)
	}
	framed := 0
	for _, inbox := range []*channel.Inbox{a, b} {
		got, err := inbox.Receive(ctx)
		if err != nil || got.Type() != "cursor" || got.Group() != "room" {
			t.Fatalf("received %q of %q: %v", got.Type(), got.Group(), err)
		}
		if kind, data := got.Send().Payload(); kind != parley.BinaryMessage || len(data) != 2 {
			t.Errorf("received %v %v", kind, data)
		}
		got.Send().Prepared.Frame("test", func(parley.MessageType, []byte) []byte {
			framed++
			return nil
		})
	}
	if framed != 1 {
		t.Errorf("F9: framed %d times", framed)
	}
}

func TestB6_13_MessageSize(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	inbox := open(t, layer, channel.InboxOptions{})
	join(t, inbox, "room")
	largest, larger := make([]byte, 1<<20), make([]byte, 1<<20+1)
	if err := layer.Send(ctx, inbox.Name(), channel.NewMessage("blob", largest)); err != nil {
		t.Errorf("1 MiB: %v", err)
	}
	if err := layer.Send(ctx, inbox.Name(),
		channel.NewMessage("blob", larger)); !errors.Is(err, channel.ErrTooLarge) {
		t.Errorf("direct: %v", err)
	}
	result, err := layer.GroupSend(ctx, "room", channel.NewMessage("blob", larger))
	if !errors.Is(err, channel.ErrTooLarge) || result != (channel.SendResult{}) {
		t.Errorf("group: %+v, %v", result, err)
	}
}

func TestReceiveEndsWithItsContextOrItsInbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t, channel.Options{})
		inbox := open(t, layer, channel.InboxOptions{})
		brief, cancel := context.WithTimeoutCause(ctx, time.Second, errors.New("long enough"))
		defer cancel()
		if _, err := inbox.Receive(brief); err == nil || err.Error() != "long enough" {
			t.Errorf("ctx ended: %v", err)
		}
		go inbox.Close()
		if _, err := inbox.Receive(ctx); err != channel.ErrClosed || !errors.Is(err, net.ErrClosed) {
			t.Errorf("inbox closed: %v", err)
		}
		synctest.Wait() // Close goes on for a moment after Receive has heard of it
	})
}

func TestLayerClose(t *testing.T) {
	layer := channel.New(channel.Options{})
	var told []error
	inbox := open(t, layer, channel.InboxOptions{OnClose: func(err error) {
		told = append(told, err)
	}})
	join(t, inbox, "room")
	send(t, layer, inbox.Name(), "unread")
	for range 2 {
		if err := layer.Close(ctx); err != nil {
			t.Fatal(err)
		}
	}
	inbox.Close()
	<-inbox.Done()
	_, received := inbox.Receive(ctx)
	if !errors.Is(received, channel.ErrClosed) || !errors.Is(received, parley.ErrDraining) {
		t.Errorf("receive: %v", received)
	}
	if len(told) != 1 || told[0] != received {
		t.Errorf("OnClose was told %v", told)
	}
	_, opened := layer.Open(ctx, channel.InboxOptions{})
	_, sent := layer.GroupSend(ctx, "room", text("x"))
	_, kicked := layer.KickGroup(ctx, "room", nil)
	for _, err := range []error{opened, sent, kicked, layer.Send(ctx, inbox.Name(), text("x")),
		layer.Kick(ctx, inbox.Name(), nil)} {
		if !errors.Is(err, channel.ErrClosed) {
			t.Errorf("after close: %v", err)
		}
	}
	if stats := layer.Stats(); stats.Discarded != 1 ||
		stats.Inboxes+stats.Groups+stats.Members+stats.Unread != 0 {
		t.Errorf("after close: %+v", stats)
	}
}

func TestGroupsOfAnInbox(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	inbox := open(t, layer, channel.InboxOptions{})
	join(t, inbox, "a", "b", "c")
	inbox.Leave("b")
	got := inbox.Groups()
	slices.Sort(got)
	if !slices.Equal(got, []channel.Group{"a", "c"}) {
		t.Errorf("member of %q", got)
	}
	if inbox.Close(); len(inbox.Groups()) != 0 {
		t.Errorf("a closed inbox is a member of %q", inbox.Groups())
	}
}
