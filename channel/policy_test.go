package channel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

func contextWithTimeout(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}

// Each policy with an inbox of two messages that holds 1 and 2 when 3 comes.
func TestE13_Policies(t *testing.T) {
	for _, test := range []struct {
		policy   channel.Policy
		direct   error // of the direct send
		enqueued int   // of the group send
		closed   error // the inbox, by the group send
		left     []string
		stats    channel.Stats // after both
	}{
		{channel.CloseSlow, channel.ErrFull, 0, parley.ErrSlowConsumer, nil,
			channel.Stats{Enqueued: 2, Dropped: 2, Discarded: 2}},
		{channel.Block, context.DeadlineExceeded, 0, nil, []string{"1", "2"},
			channel.Stats{Enqueued: 2, Dropped: 2, Unread: 2}},
		{channel.DropOldest, nil, 1, nil, []string{"direct", "group"},
			channel.Stats{Enqueued: 4, Evicted: 2, Unread: 2}},
		{channel.DropNewest, channel.ErrFull, 0, nil, []string{"1", "2"},
			channel.Stats{Enqueued: 2, Dropped: 2, Unread: 2}},
		{channel.Coalesce, nil, 1, nil, []string{"direct", "group"},
			channel.Stats{Enqueued: 4, Evicted: 2, Unread: 2}},
	} {
		t.Run(test.policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told int
				layer := newLayer(t, channel.Options{OnDrop: func(channel.Drop) { told++ }})
				inbox := open(t, layer, channel.InboxOptions{
					Policy:   test.policy,
					Capacity: channel.Capacity{Messages: 2},
					Key:      func(m channel.Message) string { return string(m.Payload()) },
				})
				join(t, inbox, "room")
				send(t, layer, inbox.Name(), "1", "2")

				brief, cancel := contextWithTimeout(time.Second)
				defer cancel()
				if err := layer.Send(brief, inbox.Name(), text("direct")); !errors.Is(err, test.direct) {
					t.Errorf("direct send: %v, want %v", err, test.direct)
				}
				want := channel.SendResult{Matched: 1, Enqueued: test.enqueued, Dropped: 1 - test.enqueued}
				if got := groupSend(t, layer, "room", "group"); got != want {
					t.Errorf("group send: %+v, want %+v", got, want)
				}
				if err := inbox.Err(); !errors.Is(err, test.closed) || (err != nil) != (test.closed != nil) {
					t.Errorf("closed: %v, want %v", err, test.closed)
				}
				if got := inbox.Stats(); got != test.stats {
					t.Errorf("stats %+v, want %+v", got, test.stats)
				}
				if got := layer.Stats().Stats; got != test.stats {
					t.Errorf("E1: layer's stats %+v, want %+v", got, test.stats)
				}
				if lost := int(test.stats.Dropped + test.stats.Evicted + test.stats.Discarded); told != lost {
					t.Errorf("the hook was told of %d losses of %d", told, lost)
				}
				if got := unread(t, inbox); !slices.Equal(got, test.left) {
					t.Errorf("left %q, want %q", got, test.left)
				}
			})
		})
	}
}

// Senders that wait are served in turn, and each one's order is kept.
func TestB6_14_BlockedSendersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t, channel.Options{})
		inbox := open(t, layer,
			channel.InboxOptions{Policy: channel.Block, Capacity: channel.Capacity{Messages: 1}})
		send(t, layer, inbox.Name(), "first")
		var senders sync.WaitGroup
		for sender := range 3 {
			senders.Go(func() {
				for i := range 3 {
					send(t, layer, inbox.Name(), fmt.Sprint(sender, i))
				}
			})
			synctest.Wait() // they come one after the other
		}
		var got []string
		for range 10 {
			got = append(got, receive(t, inbox))
			synctest.Wait()
		}
		want := []string{"first", "0 0", "1 0", "2 0", "0 1", "1 1", "2 1", "0 2", "1 2", "2 2"}
		if !slices.Equal(got, want) {
			t.Errorf("received %q", got)
		}
		senders.Wait()
	})
}

func TestBlockEnds(t *testing.T) {
	kicked := errors.New("kicked")
	for _, test := range []struct {
		name string
		end  func(layer *channel.Layer, inbox *channel.Inbox, cancel context.CancelCauseFunc)
		want error
	}{
		{"with room", func(_ *channel.Layer, inbox *channel.Inbox, _ context.CancelCauseFunc) {
			_, _ = inbox.Receive(ctx)
		}, nil},
		{"with its ctx", func(_ *channel.Layer, _ *channel.Inbox, cancel context.CancelCauseFunc) {
			cancel(kicked)
		}, kicked},
		{"with the inbox", func(_ *channel.Layer, inbox *channel.Inbox, _ context.CancelCauseFunc) {
			inbox.Close()
		}, channel.ErrNoInbox},
		{"with a kick", func(l *channel.Layer, inbox *channel.Inbox, _ context.CancelCauseFunc) {
			_ = l.Kick(ctx, inbox.Name(), kicked)
		}, channel.ErrNoInbox},
		{"with the layer", func(l *channel.Layer, _ *channel.Inbox, _ context.CancelCauseFunc) {
			_ = l.Close(ctx)
		}, channel.ErrClosed},
		{"with a flush", func(l *channel.Layer, _ *channel.Inbox, _ context.CancelCauseFunc) {
			l.Flush()
		}, nil},
		{"when what is before it expires", func(*channel.Layer, *channel.Inbox, context.CancelCauseFunc) {
			time.Sleep(time.Minute)
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				layer := newLayer(t, channel.Options{})
				inbox := open(t, layer,
					channel.InboxOptions{Policy: channel.Block, Capacity: channel.Capacity{Messages: 1}})
				send(t, layer, inbox.Name(), "1")
				waiting, cancel := context.WithCancelCause(ctx)
				defer cancel(nil)
				sent := make(chan error, 1)
				go func() { sent <- layer.Send(waiting, inbox.Name(), text("2")) }()
				synctest.Wait()
				test.end(layer, inbox, cancel)
				if err := <-sent; !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
				if test.want == nil {
					if got := receive(t, inbox); got != "2" {
						t.Errorf("received %q", got)
					}
				} else if got := layer.Stats(); got.Dropped != 1 {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

// F17: what ends an inbox does not queue behind its messages.
func TestF17_KickOvertakesAFullQueue(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	inbox := open(t, layer, channel.InboxOptions{})
	join(t, inbox, "users.7")
	fill(t, layer, inbox.Name(), 1)
	if err := layer.Kick(ctx, inbox.Name(), parley.ErrAuthExpired); err != nil {
		t.Fatal(err)
	}
	_, err := inbox.Receive(ctx)
	if !errors.Is(err, parley.ErrAuthExpired) || !errors.Is(err, channel.ErrClosed) ||
		parley.CodeOf(err) != parley.CloseUnauthorized {
		t.Errorf("receive: %v", err)
	}
	if err := layer.Kick(ctx, inbox.Name(), nil); !errors.Is(err, channel.ErrNoInbox) {
		t.Errorf("kick again: %v", err)
	}
	if err := layer.Kick(ctx, "bad name", nil); !errors.Is(err, channel.ErrName) {
		t.Errorf("kick a bad name: %v", err)
	}
}

func TestE18_KickGroup(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	in, out := open(t, layer, channel.InboxOptions{}), open(t, layer, channel.InboxOptions{})
	join(t, in, "users.7")
	if n, err := layer.KickGroup(ctx, "users.7", parley.ErrAuthExpired); n != 1 || err != nil {
		t.Errorf("kicked %d: %v", n, err)
	}
	if n, err := layer.KickGroup(ctx, "users.7", parley.ErrAuthExpired); n != 0 || err != nil {
		t.Errorf("kicked %d: %v", n, err)
	}
	if !errors.Is(in.Err(), parley.ErrAuthExpired) || out.Err() != nil {
		t.Errorf("%v, %v", in.Err(), out.Err())
	}
}

// E7, E13: one member that never reads costs itself, not the others.
func TestE13_SlowReader(t *testing.T) {
	for _, policy := range []channel.Policy{channel.CloseSlow, channel.Block, channel.DropOldest,
		channel.DropNewest, channel.Coalesce} {
		t.Run(policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { slowReader(t, policy, 49, 300) })
		})
	}
}

func TestE13_SlowReaderAmongAThousand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { slowReader(t, channel.DropOldest, 999, 600) })
}

func slowReader(t *testing.T, policy channel.Policy, fast, messages int) {
	layer := newLayer(t, channel.Options{})
	stalled := open(t, layer,
		channel.InboxOptions{Policy: policy, Capacity: channel.Capacity{Messages: 64, Bytes: 32 << 10}})
	join(t, stalled, "room")
	all := make([]channel.Message, messages)
	for i := range all {
		all[i] = channel.NewMessage("kilobyte",
			append(fmt.Appendf(nil, "%04d", i), make([]byte, 1020)...))
	}
	var readers sync.WaitGroup
	for range fast {
		inbox := open(t, layer, channel.InboxOptions{})
		join(t, inbox, "room")
		readers.Go(func() {
			for i := range all {
				message, err := inbox.Receive(ctx)
				if err != nil || message.Send().Prepared != all[i].Send().Prepared {
					t.Errorf("message %d: %.4s, %v", i, message.Payload(), err)
					return
				}
			}
		})
	}
	var sum channel.SendResult
	for i := range all {
		result, err := layer.GroupSend(ctx, "room", all[i])
		if err != nil {
			t.Fatal(err)
		}
		sum.Matched += result.Matched
		sum.Enqueued += result.Enqueued
		sum.Dropped += result.Dropped
		if unread := stalled.Stats().Unread; unread > 32 {
			t.Fatalf("32 KiB hold %d messages of 1 KiB", unread)
		}
		if i%100 == 99 {
			synctest.Wait() // the fast ones keep up; real ones have 256 messages of slack
		}
	}
	readers.Wait()
	stats := stalled.Stats()
	if sum.Matched != sum.Enqueued+sum.Dropped || sum.Enqueued != fast*messages+int(stats.Enqueued) ||
		sum.Dropped != int(stats.Dropped) {
		t.Errorf("F5: %+v does not agree with the stalled member's %+v", sum, stats)
	}
	if lost := stats.Dropped + stats.Evicted + stats.Coalesced; policy != channel.CloseSlow &&
		lost+uint64(stats.Unread) != uint64(messages) {
		t.Errorf("of %d messages %+v are accounted for", messages, stats)
	}
	if err := stalled.Err(); errors.Is(err, parley.ErrSlowConsumer) != (policy == channel.CloseSlow) {
		t.Errorf("stalled member: %v", err)
	}
}

func TestOrderPerPublisher(t *testing.T) {
	const publishers, messages = 4, 500
	layer := newLayer(t, channel.Options{Capacity: channel.Capacity{Messages: publishers * messages}})
	inbox := open(t, layer, channel.InboxOptions{})
	join(t, inbox, "room")
	var sending sync.WaitGroup
	for p := range publishers {
		sending.Go(func() {
			for i := range messages {
				message := channel.NewMessage("p"+strconv.Itoa(p), []byte(strconv.Itoa(i)))
				if i%2 == 0 {
					_, _ = layer.GroupSend(ctx, "room", message)
				} else {
					_ = layer.Send(ctx, inbox.Name(), message)
				}
			}
		})
	}
	next := make(map[string]int)
	for range publishers * messages {
		message, err := inbox.Receive(ctx)
		if err != nil || string(message.Payload()) != strconv.Itoa(next[message.Type()]) {
			t.Fatalf("B7.5: %s sent %s, want %d, %v", message.Type(), message.Payload(),
				next[message.Type()], err)
		}
		next[message.Type()]++
	}
	sending.Wait()
}

// Where nothing expires, a sender waits for room alone.
func TestBlockWithoutExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t, channel.Options{Expiry: -1})
		inbox := open(t, layer,
			channel.InboxOptions{Policy: channel.Block, Capacity: channel.Capacity{Messages: 1}})
		send(t, layer, inbox.Name(), "1")
		start, done := time.Now(), make(chan struct{})
		go func() {
			defer close(done)
			send(t, layer, inbox.Name(), "2")
		}()
		time.Sleep(1000 * time.Hour)
		if got := receive(t, inbox); got != "1" {
			t.Errorf("received %q", got)
		}
		<-done
		if got := receive(t, inbox); got != "2" || time.Since(start) != 1000*time.Hour {
			t.Errorf("received %q after %v", got, time.Since(start))
		}
	})
}

// Values that are none have a name too: they are found in logs.
func TestNamesOfPoliciesAndReasons(t *testing.T) {
	for value, want := range map[fmt.Stringer]string{
		channel.CloseSlow: "close", channel.Block: "block", channel.DropOldest: "drop oldest",
		channel.DropNewest: "drop newest", channel.Coalesce: "coalesce",
		channel.Policy(99): "unknown policy", channel.DroppedFull: "full",
		channel.DroppedClosed: "closed", channel.Evicted: "evicted", channel.Expired: "expired",
		channel.Discarded: "discarded", channel.DropReason(99): "unknown reason",
	} {
		if got := value.String(); got != want {
			t.Errorf("%d is called %q, want %q", value, got, want)
		}
	}
}
