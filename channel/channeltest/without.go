package channeltest

import (
	"strings"
	"testing"

	"github.com/parleygo/parley/channel"
)

// Without says which of the further interfaces of package channel a transport is not,
// and why: "QueueSubscriber", "Log" or "Leases".
type Without struct{ Interface, Why string }

// must ends a test of an interface that the transport is not.
func must(t *testing.T, test string, transport channel.Transport, without []Without) {
	t.Helper()
	for name, has := range map[string]func() bool{
		"QueueSubscriber": func() bool { _, ok := transport.(channel.QueueSubscriber); return ok },
		"Log":             func() bool { _, ok := transport.(channel.Log); return ok },
		"Leases":          func() bool { _, ok := transport.(channel.Leases); return ok },
	} {
		if !strings.HasPrefix(test, strings.TrimSuffix(name, "Subscriber")) || has() {
			continue
		}
		for _, w := range without {
			if w.Interface == name && w.Why != "" {
				t.Skipf("%T is no channel.%s: %s", transport, name, w.Why)
			}
		}
		t.Fatalf("%T is no channel.%s, and the caller gives no reason: see Without", transport, name)
	}
}

// RunInterrupter proves that a transport notices what it may have missed. Each call of
// interrupt breaks the connections of all transports to the broker, so that they are
// made again, and may return before they are.
func RunInterrupter(
	t *testing.T, connect func(t *testing.T) channel.Transport, interrupt func(t *testing.T),
) {
	t.Run("Interrupter", func(t *testing.T) {
		transport := connect(t)
		t.Cleanup(func() { _ = transport.Close(t.Context()) })
		told := make(chan []string, 100)
		transport.(channel.Interrupter).OnInterrupt(func(subjects []string) { told <- subjects })
		one, two := unique("interrupted"), unique("interrupted")
		got, _ := collect(t, transport, one)
		collect(t, transport, two)
		missing := map[string]bool{one: true, two: true}
		if log, ok := transport.(channel.Log); ok {
			three := unique("interrupted")
			missing[three] = true
			if _, err := log.Follow(patient(t), three, func(channel.Entry) {}); err != nil {
				t.Fatal(err)
			}
		}
		interrupt(t)
		for ctx := patient(t); len(missing) > 0; {
			select {
			case subjects := <-told:
				for _, subject := range subjects {
					delete(missing, subject)
				}
			case <-ctx.Done():
				t.Fatalf("not told of %v", missing)
			}
		}
		publish(t, transport, one, "again")
		got.want(t, "again")
	})
}
