package channeltest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/parleygo/parley/channel"
)

// RunTransport proves a transport. Each call of connect returns a new transport;
// all of them reach each other. The suite closes them.
//
// What the further interfaces promise is proved too: channel.QueueSubscriber,
// channel.Log and channel.Leases. For one that the transport is not, the caller says
// why; without a reason that is an error.
func RunTransport(
	t *testing.T, connect func(t *testing.T) channel.Transport, without ...Without,
) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, connect func() channel.Transport)
	}{
		{"EverySubscriptionGetsEveryPayload", everySubscription},
		{"SubjectsAreApart", subjectsAreApart},
		{"PayloadsArriveUnchanged", payloadsArriveUnchanged},
		{"OrderPerPublisher", orderPerPublisher},
		{"NobodyListens", nobodyListens},
		{"Unsubscribe", unsubscribe},
		{"DeliverMayPublish", deliverMayPublish},
		{"ContextIsOver", contextIsOver},
		{"Close", closeTransport},
		{"QueueSharesOut", queueSharesOut},
		{"QueueLosesNoMember", queueLosesNoMember},
		{"LogReads", logReads},
		{"LogFollows", logFollows},
		{"LogBounds", logBounds},
		{"LogAges", logAges},
		{"LogContext", logContext},
		{"LeasesKeepRecords", leasesKeepRecords},
		{"LeasesHoldMany", leasesHoldMany},
		{"LeasesLapse", leasesLapse},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.run(t, func() channel.Transport {
				transport := connect(t)
				t.Cleanup(func() {
					if err := transport.Close(context.Background()); err != nil {
						t.Errorf("close: %v", err)
					}
				})
				must(t, test.name, transport, without)
				return transport
			})
		})
	}
}

func everySubscription(t *testing.T, connect func() channel.Transport) {
	a, b := connect(), connect()
	subject := unique("every")
	own, _ := collect(t, a, subject)
	twice, _ := collect(t, a, subject)
	other, _ := collect(t, b, subject)
	publish(t, a, subject, "1")
	publish(t, b, subject, "2")
	for _, got := range []payloads{own, twice, other} {
		// Two publishers: either may come first.
		if one, two := got.next(t), got.next(t); one+two != "12" && one+two != "21" {
			t.Errorf("delivered %q and %q", one, two)
		}
	}
}

func subjectsAreApart(t *testing.T, connect func() channel.Transport) {
	a, b := connect(), connect()
	base := unique("apart")
	subjects := []string{base, base + ".x", base + ".x.y", base + "!x", base + "-x", base + "_x",
		strings.ToLower(base), "x." + base}
	var got []payloads
	for _, subject := range subjects {
		one, _ := collect(t, b, subject)
		got = append(got, one)
	}
	for i, subject := range subjects {
		publish(t, a, subject, fmt.Sprint(i))
		publish(t, a, subject, "end")
	}
	for i := range subjects {
		got[i].want(t, fmt.Sprint(i), "end")
	}
}

func payloadsArriveUnchanged(t *testing.T, connect func() channel.Transport) {
	a, b := connect(), connect()
	subject := unique("unchanged-" + strings.Repeat("n", 100)) // long, as group names may be
	got, _ := collect(t, b, subject)
	bytes := make([]byte, 256)
	for i := range bytes {
		bytes[i] = byte(i)
	}
	large := strings.Repeat(string(bytes), (1<<20+512)/256) // the largest message and its envelope
	want := []string{"", "text", "line\r\nline\r\n", string(bytes), large, "end"}
	publish(t, a, subject, want...)
	got.want(t, want...)
}

func orderPerPublisher(t *testing.T, connect func() channel.Transport) {
	const publishers, messages = 4, 500
	reader, subject := connect(), unique("order")
	got, _ := collect(t, reader, subject)
	var publishing sync.WaitGroup
	shared := connect()
	for p := range publishers {
		transport := shared
		if p%2 == 0 {
			transport = connect()
		}
		publishing.Go(func() {
			for i := range messages {
				if err := transport.Publish(context.Background(), subject,
					fmt.Appendf(nil, "%d %d", p, i)); err != nil {
					t.Errorf("publish: %v", err)
				}
			}
		})
	}
	var next [publishers]int
	for range publishers * messages {
		var p, i int
		if _, err := fmt.Sscan(got.next(t), &p, &i); err != nil || i != next[p] {
			t.Fatalf("publisher %d: payload %d, want %d (%v)", p, i, next[p], err)
		}
		next[p]++
	}
	publishing.Wait()
}

func nobodyListens(t *testing.T, connect func() channel.Transport) {
	publish(t, connect(), unique("nobody"), "x")
}

// A subscription that has ended may deliver what is under way, but the next
// subscription to the subject must not suffer from it.
func unsubscribe(t *testing.T, connect func() channel.Transport) {
	a, b := connect(), connect()
	subject := unique("unsubscribe")
	stays, _ := collect(t, b, subject)
	for i := range 20 {
		_, sub := collect(t, b, subject)
		if err := sub.Unsubscribe(); err != nil {
			t.Fatalf("unsubscribe: %v", err)
		}
		again, sub := collect(t, b, subject)
		publish(t, a, subject, fmt.Sprint(i), "end")
		again.want(t, fmt.Sprint(i), "end")
		stays.want(t, fmt.Sprint(i), "end")
		if err := sub.Unsubscribe(); err != nil {
			t.Fatalf("unsubscribe: %v", err)
		}
	}
}

func deliverMayPublish(t *testing.T, connect func() channel.Transport) {
	a, b := connect(), connect()
	question, answer := unique("question"), unique("answer")
	got, _ := collect(t, a, answer)
	_, err := b.Subscribe(patient(t), question, func(payload []byte) {
		if err := b.Publish(context.Background(), answer,
			append([]byte("re: "), payload...)); err != nil {
			t.Errorf("publish in deliver: %v", err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, a, question, "x")
	got.want(t, "re: x")
}

func contextIsOver(t *testing.T, connect func() channel.Transport) {
	transport, subject := connect(), unique("over")
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if err := transport.Publish(over, subject, []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("publish: %v", err)
	}
	if _, err := transport.Subscribe(over, subject,
		func([]byte) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("subscribe: %v", err)
	}
	got, _ := collect(t, transport, subject)
	publish(t, transport, subject, "still works")
	got.want(t, "still works")
}

func closeTransport(t *testing.T, connect func() channel.Transport) {
	a, b := connect(), connect()
	subject := unique("close")
	_, sub := collect(t, a, subject)
	stays, _ := collect(t, b, subject)
	for range 2 {
		if err := a.Close(patient(t)); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if err := a.Publish(patient(t), subject, []byte("x")); err == nil {
		t.Error("publish after close: no error")
	}
	if _, err := a.Subscribe(patient(t), subject, func([]byte) {}); err == nil {
		t.Error("subscribe after close: no error")
	}
	_ = sub.Unsubscribe() // may fail, must not hang or panic
	publish(t, b, subject, "the others live on")
	stays.want(t, "the others live on")
}
