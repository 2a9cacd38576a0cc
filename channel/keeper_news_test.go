package channel

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/internal/presence"
)

// Who goes together is said to have gone together: in few envelopes, however many there
// are, and whether they say so themselves or have it said by those who survive.
func TestFarewellsAreFew(t *testing.T) {
	const members, groups = 1200, 3
	for name, test := range map[string]struct {
		max  int // bytes of a message
		ends func(goes *Layer, broker *Broker)
		most uint64
	}{
		"closes":         {0, func(goes *Layer, _ *Broker) { _ = goes.Close(context.Background()) }, 10},
		"dies":           {0, func(goes *Layer, b *Broker) { vanish(goes, b) }, groups},
		"small messages": {2000, func(goes *Layer, b *Broker) { vanish(goes, b) }, members / 10},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var broker Broker
				options := func() Options {
					return Options{Transport: broker.Connect(), MaxMessage: test.max}
				}
				stays, goes := New(options()), New(options())
				defer stays.Close(context.Background())
				defer goes.Close(context.Background())
				var told atomic.Int64
				watcher, err := stays.Open(t.Context(), InboxOptions{Deliver: func(m Message) Verdict {
					if m.Type() == TypeLeave {
						told.Add(1)
					}
					return Accepted
				}})
				if err != nil {
					t.Fatal(err)
				}
				for i := range groups {
					if _, err := watcher.Enter(t.Context(), Group(fmt.Sprint("room", i)), 1); err != nil {
						t.Fatal(err)
					}
				}
				for i := range members {
					inbox, err := goes.Open(t.Context(), InboxOptions{Policy: DropOldest})
					if err == nil {
						_, err = inbox.Enter(t.Context(), Group(fmt.Sprint("room", i%groups)), i)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				synctest.Wait()
				before := stays.Stats().Published + goes.Stats().Published
				test.ends(goes, &broker)
				time.Sleep(goneAfter)
				synctest.Wait()
				said := stays.Stats().Published + goes.Stats().Published - before
				if told.Load() != members || said > test.most {
					t.Errorf("told of %d of %d who have left, in %d envelopes", told.Load(), members, said)
				}
			})
		})
	}
}

// vanish has a layer end as a process does that is killed.
func vanish(l *Layer, b *Broker) {
	l.stop()
	_ = l.wire.transport.Close(context.Background())
	synctest.Wait()
}

// News keep the order in which the stays of a group began and ended.
func TestNewsKeepTheirOrder(t *testing.T) {
	long := strings.Repeat("x", mostBytes/2)
	for want, outbox := range map[string]string{
		"j1 j2 | l1 | j3":  "a:j1 a:j2 a:l1 a:j3",
		"j1 j2 | b:l9 l8":  "a:j1 b:l9 a:j2 b:l8",
		"j1 | b:j2 | l1":   "a:j1 b:j2 a:l1",
		"L1 | L2 | L3":     "a:L1 a:L2 a:L3",
		"l1 l2 l3 l4 | j5": "a:l1 a:l2 a:l3 a:l4 a:j5",
	} {
		k := &keeper{layer: &Layer{options: Options{}.withDefaults()}}
		for _, word := range strings.Fields(outbox) {
			a := announcement{group: Group(word[:1]), kind: kindJoin}
			a.stay = presence.Stay{ID: word[3:]}
			switch word[2] {
			case 'l':
				a.kind = kindLeave
			case 'L': // as long as there is room for one
				a.stay.Show = []byte(long)
			}
			k.outbox = append(k.outbox, a)
		}
		var got []string
		for len(k.outbox) > 0 {
			n, places := k.gather()
			k.strike(places)
			var words []string
			for _, s := range n.stays {
				letter := map[bool]string{true: "j", false: "l"}[n.kind == kindJoin]
				if s.Show != nil {
					letter = "L"
				}
				words = append(words, letter+s.ID)
			}
			if n.group != "a" {
				words[0] = string(n.group) + ":" + words[0]
			}
			got = append(got, strings.Join(words, " "))
		}
		if text := strings.Join(got, " | "); text != want {
			t.Errorf("%s is said as %s, want %s", outbox, text, want)
		}
	}
}

// However much there is to say, what is behind that which was said stays where it is.
func TestStrikeTouchesNothingBehind(t *testing.T) {
	k := &keeper{layer: &Layer{options: Options{}.withDefaults()}}
	const all = 3 * ahead
	for i := range all {
		group := Group(fmt.Sprint("room", i%7))
		k.outbox = append(k.outbox, announcement{group, kindLeave, presence.Stay{ID: fmt.Sprint(i)}})
	}
	last, said := &k.outbox[all-1], 0
	for len(k.outbox) > 0 {
		n, places := k.gather()
		k.strike(places)
		said += len(places)
		for i := range places {
			if n.stays[i].ID == "" {
				t.Fatalf("%+v", n)
			}
		}
		if left := len(k.outbox); left > 0 && &k.outbox[left-1] != last {
			t.Fatalf("what was last of %d was copied", left)
		}
	}
	if said != all {
		t.Errorf("%d were said", said)
	}
}

// What another process says of stays is taken as a whole, or counted as what is not
// understood.
func TestStrangeNews(t *testing.T) {
	for payload, good := range map[string]bool{
		`[{"member":"a","show":1}]`: true, `[{"member":"a"},{"member":"b"}]`: true,
		``: false, `[]`: false, `{}`: false, `null`: false, `[null]`: false, `[1]`: false,
		`[{"member":"a"},{"member":"no name"}]`: false, `[{"member":""}]`: false,
		`{"type":"presence.join","group":"room","member":"a","show":1}`: false,
	} {
		e := envelope{kind: kindJoin, target: "room", message: NewMessage("presence", []byte(payload))}
		if _, ok := readNews(&e); ok != good {
			t.Errorf("%s is taken: %v", payload, ok)
		}
	}
}

// What another process shows and is no JSON is shown as null.
func TestStrangeRecords(t *testing.T) {
	var broker Broker
	layer := New(Options{Transport: broker.Connect()})
	defer layer.Close(t.Context())
	leases := broker.Connect().(Leases)
	const owner, room = "parley.other", "parley.group.room"
	if _, err := leases.Renew(t.Context(), owner, time.Minute); err != nil {
		t.Fatal(err)
	}
	records := []Record{
		{room, "good", []byte(`{"a":1}`)}, {room, "cut", []byte(`{"a":`)}, {room, "none", nil},
		{room, "two words", []byte(`1`)}, {room, "bytes", []byte("\xff")},
	}
	if err := leases.Enter(t.Context(), owner, records); err != nil {
		t.Fatal(err)
	}
	present, err := layer.Present(t.Context(), "room")
	got := make(map[string]string)
	for _, m := range present {
		got[m.ID] = string(m.Show)
	}
	want := map[string]string{"good": `{"a":1}`, "cut": "null", "none": "null", "bytes": "null"}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, %v", got, err)
	}
}
