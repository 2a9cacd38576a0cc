package channel_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// keptRules keep groups that begin with "room".
func keptRules(keep channel.Keep) []channel.HistoryRule {
	return []channel.HistoryRule{{Pattern: "room*", Keep: keep}}
}

// resume returns what was missed, and the inbox's owner goes on with what comes then.
func resume(
	t testing.TB, in *channel.Inbox, group channel.Group, after channel.Position,
) (resumed channel.Resumed) {
	t.Helper()
	if err := in.Resume(ctx, group, after, func(r channel.Resumed) error {
		resumed = r
		return nil
	}); err != nil {
		t.Fatalf("resume: %v", err)
	}
	return resumed
}

func texts(messages []channel.Message) (texts []string) {
	for _, m := range messages {
		texts = append(texts, string(m.Payload()))
	}
	return texts
}

// histories are the layers that have one: alone, and over a transport.
var histories = map[string]func(t *testing.T, keep channel.Keep) (one, two *channel.Layer){
	"memory": func(t *testing.T, keep channel.Keep) (one, two *channel.Layer) {
		layer := newLayer(t, channel.Options{History: keptRules(keep)})
		return layer, layer
	},
	"transport": func(t *testing.T, keep channel.Keep) (one, two *channel.Layer) {
		var broker channel.Broker
		options := channel.Options{History: keptRules(keep)}
		options.Transport = broker.Connect()
		one = newLayer(t, options)
		options.Transport = broker.Connect()
		return one, newLayer(t, options)
	},
}

// E22: who comes back gets what it has missed, then what comes, each once.
func TestE22_Resume(t *testing.T) {
	for name, layers := range histories {
		t.Run(name, func(t *testing.T) {
			one, two := layers(t, channel.Keep{})
			groupSend(t, one, "room", "0") // nobody is there
			in := open(t, one, channel.InboxOptions{})
			join(t, in, "room")
			if got := groupSend(t, one, "room", "1"); got.Enqueued != 1 {
				t.Errorf("%+v", got)
			}
			message, err := in.Receive(ctx)
			if err != nil || string(message.Payload()) != "1" || message.Position().Offset == 0 {
				t.Fatalf("%q at %v, %v", message.Payload(), message.Position(), err)
			}
			in.Close()
			for i := range 3 {
				groupSend(t, two, "room", fmt.Sprint(2+i))
			}
			back := open(t, two, channel.InboxOptions{})
			missed := resume(t, back, "room", message.Position())
			groupSend(t, one, "room", "5")
			if got := texts(missed.Messages); !slices.Equal(got, []string{"2", "3", "4"}) ||
				missed.Gap != "" || missed.Position != missed.Messages[2].Position() {
				t.Errorf("missed %q, gap %q, at %v", got, missed.Gap, missed.Position)
			}
			if got := receive(t, back); got != "5" {
				t.Errorf("received %q", got)
			}
			all := resume(t, back, "room", channel.Position{})
			if got := texts(all.Messages); len(got) != 6 || all.Gap != "" {
				t.Errorf("all: %q, gap %q", got, all.Gap)
			}
			none := resume(t, back, "room", all.Position)
			if len(none.Messages) != 0 || none.Gap != "" || none.Position != all.Position {
				t.Errorf("none: %+v", none)
			}
		})
	}
}

// What is not there any more is a gap, with its reason; what is behind it comes.
func TestResumeBehindAGap(t *testing.T) {
	for name, layers := range histories {
		t.Run(name, func(t *testing.T) {
			one, two := layers(t, channel.Keep{Messages: 3})
			in, first := open(t, one, channel.InboxOptions{}), channel.Position{}
			join(t, in, "room")
			for i := range 6 {
				groupSend(t, two, "room", fmt.Sprint(i))
				if message, err := in.Receive(ctx); err != nil {
					t.Fatal(err)
				} else if i == 0 {
					first = message.Position()
				}
			}
			for name, test := range map[string]struct {
				after channel.Position
				gap   channel.GapReason
				want  []string
			}{
				"trimmed":       {first, channel.GapTrimmed, []string{"3", "4", "5"}},
				"just kept":     {channel.Position{Epoch: first.Epoch, Offset: 3}, "", []string{"3", "4", "5"}},
				"all there is":  {channel.Position{}, "", []string{"3", "4", "5"}},
				"another epoch": {channel.Position{Epoch: "x", Offset: 5}, channel.GapEpoch, []string{"3", "4", "5"}},
				"ahead":         {channel.Position{Epoch: first.Epoch, Offset: 7}, channel.GapEpoch, nil},
			} {
				back := open(t, two, channel.InboxOptions{})
				got := resume(t, back, "room", test.after)
				if got.Gap != test.gap || !slices.Equal(texts(got.Messages), test.want) ||
					got.Position.Offset != 6 {
					t.Errorf("%s: gap %q, %q, at %v", name, got.Gap, texts(got.Messages), got.Position)
				}
			}
		})
	}
}

// A group that is not kept: the rest of the contract of Join and Resume holds.
func TestResumeWithoutHistory(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	in := open(t, layer, channel.InboxOptions{})
	if got := resume(t, in, "room", channel.Position{}); got.Gap != "" {
		t.Errorf("%+v", got)
	}
	if got := resume(t, in, "room", channel.Position{Epoch: "e", Offset: 1}); got.Gap != channel.GapNotKept {
		t.Errorf("%+v", got)
	}
	groupSend(t, layer, "room", "x")
	if got := receive(t, in); got != "x" {
		t.Errorf("received %q", got)
	}
}

// What comes while first runs is held back, and comes then.
func TestLiveMessagesWaitForTheMissedOnes(t *testing.T) {
	for name, layers := range histories {
		t.Run(name, func(t *testing.T) {
			one, two := layers(t, channel.Keep{})
			groupSend(t, two, "room", "0")
			var mu sync.Mutex
			var got []string
			take := func(m channel.Message) channel.Verdict {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, string(m.Payload()))
				return channel.Accepted
			}
			in := open(t, one, channel.InboxOptions{Deliver: take})
			err := in.Resume(ctx, "room", channel.Position{}, func(r channel.Resumed) error {
				for i := range 3 {
					if result := groupSend(t, one, "room", fmt.Sprint(1+i)); result.Enqueued != 1 {
						t.Errorf("%+v", result)
					}
				}
				for _, m := range r.Messages {
					take(m)
				}
				return nil
			})
			groupSend(t, one, "room", "4")
			if want := []string{"0", "1", "2", "3", "4"}; err != nil || !slices.Equal(got, want) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// More is held back than there is room for: the policy decides, and nothing is silent.
func TestTooMuchIsHeldBack(t *testing.T) {
	for policy, want := range map[channel.Policy]string{
		channel.CloseSlow:  "",
		channel.DropOldest: `{"type":"parley.gap","group":"room","reason":"slow"`,
	} {
		layer := newLayer(t, channel.Options{History: keptRules(channel.Keep{})})
		in := open(t, layer, channel.InboxOptions{
			Policy: policy, Capacity: channel.Capacity{Messages: 2}})
		err := in.Resume(ctx, "room", channel.Position{}, func(channel.Resumed) error {
			for range 3 {
				groupSend(t, layer, "room", "x")
			}
			return nil
		})
		if want == "" {
			if parley.CodeOf(err) != parley.CodeOf(parley.ErrSlowConsumer) {
				t.Errorf("%v: %v", policy, err)
			}
		} else if got := receive(t, in); err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%v: %v, %q", policy, err, got)
		}
	}
}

// However first ends, nothing is left of a membership that did not come about.
func TestResumeIsGivenUp(t *testing.T) {
	for name, layers := range histories {
		t.Run(name, func(t *testing.T) {
			one, _ := layers(t, channel.Keep{})
			in := open(t, one, channel.InboxOptions{})
			func() {
				defer func() { _ = recover() }()
				_ = in.Resume(ctx, "room", channel.Position{}, func(channel.Resumed) error { panic("no") })
			}()
			failed := fmt.Errorf("no")
			if err := in.Resume(ctx, "room", channel.Position{},
				func(channel.Resumed) error { return failed }); err != failed {
				t.Errorf("%v", err)
			}
			if stats := one.Stats(); stats.Members != 0 || len(in.Groups()) != 0 {
				t.Errorf("%+v", stats)
			}
			if got := groupSend(t, one, "room", "x"); got.Matched != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// Many send at once: all members have one order, that of the log, those whose sockets
// follow a feed too, and each result counts all of them. In a bubble none is given up for
// the machine has much to do.
func TestOneOrderForAllMembers(t *testing.T) {
	const senders, each = 4, 100
	for name, layers := range histories {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				one, two := layers(t, channel.Keep{Messages: -1, Bytes: -1})
				members, _ := followers(t, one, 40, "room")
				queue := open(t, two, channel.InboxOptions{Capacity: channel.Capacity{Messages: 1000}})
				join(t, queue, "room")
				here := 40
				if one == two {
					here++
				}
				var all sync.WaitGroup
				for s := range senders {
					all.Go(func() {
						for i := range each {
							if got := groupSend(t, one, "room", fmt.Sprintf("%d:%03d", s, i)); got.Enqueued != here {
								t.Errorf("%+v", got)
							}
						}
					})
				}
				all.Wait()
				var want []string
				for range senders * each {
					message, err := queue.Receive(ctx)
					if err != nil {
						t.Fatal(err)
					}
					_, frame := message.SendPositioned().Payload()
					want = append(want, string(message.Payload()), string(frame))
				}
				for i, m := range members {
					for j, got := range m.messages() {
						if got != want[2*j] && got != want[2*j+1] {
							t.Fatalf("member %d: %q is not %q", i, got, want[2*j])
						}
					}
					if got := len(m.messages()); got != senders*each {
						t.Errorf("member %d: %d messages", i, got)
					}
				}
			})
		})
	}
}

// A Deliver that sends to its own group, or hangs, holds nobody up for good.
func TestDeliverSendsToItsOwnGroup(t *testing.T) {
	for name, layers := range histories {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				one, _ := layers(t, channel.Keep{})
				var got []string
				deliver := func(m channel.Message) channel.Verdict {
					if got = append(got, string(m.Payload())); len(got) == 1 {
						if result := groupSend(t, one, "room", "nested"); result != (channel.SendResult{}) {
							t.Errorf("%+v", result)
						}
					}
					return channel.Accepted
				}
				join(t, open(t, one, channel.InboxOptions{Deliver: deliver}), "room")
				groupSend(t, one, "room", "first")
				synctest.Wait()
				if !slices.Equal(got, []string{"first", "nested"}) {
					t.Errorf("%q", got)
				}
			})
		})
	}
}

// Logs in memory go when nobody has use for them.
func TestLogsInMemoryGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t, channel.Options{History: keptRules(channel.Keep{})})
		in := open(t, layer, channel.InboxOptions{})
		groupSend(t, layer, "room", "x")
		time.Sleep(10 * time.Minute)
		old := resume(t, in, "room", channel.Position{})
		if len(old.Messages) != 0 {
			t.Errorf("too old: %q", texts(old.Messages))
		}
		in.Leave("room")
		time.Sleep(time.Hour)
		for i := range 1000 {
			groupSend(t, layer, "room2", fmt.Sprint(i))
		}
		if got := resume(t, in, "room", old.Position); got.Gap != channel.GapEpoch {
			t.Errorf("%+v", got)
		}
	})
}

// failingLog is a log whose appends and reads fail.
type failingLog struct {
	channel.Transport
	channel.Log
	err error
}

func (l *failingLog) Append(
	ctx context.Context, subject string, payload []byte, keep channel.Keep,
) (channel.Position, error) {
	if l.err != nil {
		return channel.Position{}, l.err
	}
	return l.Log.Append(ctx, subject, payload, keep)
}

func TestAppendFails(t *testing.T) {
	var broker channel.Broker
	transport := broker.Connect()
	log := &failingLog{Transport: transport, Log: transport.(channel.Log)}
	layer := newLayer(t, channel.Options{Transport: log, History: keptRules(channel.Keep{})})
	in := open(t, layer, channel.InboxOptions{})
	join(t, in, "room")
	log.err = fmt.Errorf("down")
	result, err := layer.GroupSend(ctx, "room", text("x"))
	if err == nil || !strings.Contains(err.Error(), "down") || result != (channel.SendResult{}) {
		t.Errorf("%+v, %v", result, err)
	}
	log.err = nil
	groupSend(t, layer, "room", "y")
	if got := unread(t, in); !slices.Equal(got, []string{"y"}) {
		t.Errorf("%q", got)
	}
}
