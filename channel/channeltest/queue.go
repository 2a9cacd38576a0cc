package channeltest

import (
	"fmt"
	"testing"

	"github.com/parleygo/parley/channel"
)

func queueCollect(
	t *testing.T, transport channel.Transport, subject string, into payloads,
) channel.Subscription {
	t.Helper()
	sharing, ok := transport.(channel.QueueSubscriber)
	if !ok {
		t.Fatalf("%T is no channel.QueueSubscriber any more", transport)
	}
	sub, err := sharing.QueueSubscribe(patient(t), subject, func(payload []byte) {
		into <- string(payload)
	})
	if err != nil {
		t.Fatalf("queue subscribe: %v", err)
	}
	return sub
}

func queueSharesOut(t *testing.T, connect func() channel.Transport) {
	const messages = 300
	a, b := connect(), connect()
	subject, shared := unique("queue"), make(payloads, 10_000)
	queueCollect(t, a, subject, shared)
	queueCollect(t, a, subject, shared)
	queueCollect(t, b, subject, shared)
	all, _ := collect(t, b, subject)
	for i := range messages {
		publish(t, a, subject, fmt.Sprint(i))
	}
	seen := make(map[string]bool)
	for i := range messages {
		all.want(t, fmt.Sprint(i)) // a plain subscription hears everything
		payload := shared.next(t)
		if seen[payload] {
			t.Fatalf("%s went to two", payload)
		}
		seen[payload] = true
	}
}

func queueLosesNoMember(t *testing.T, connect func() channel.Transport) {
	a, b := connect(), connect()
	subject := unique("queue-leave")
	leaves, stays := make(payloads, 10_000), make(payloads, 10_000)
	sub := queueCollect(t, a, subject, leaves)
	queueCollect(t, b, subject, stays)
	if err := sub.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(patient(t)); err != nil {
		t.Fatal(err)
	}
	publish(t, b, subject, "1", "2", "3")
	stays.want(t, "1", "2", "3")
}
