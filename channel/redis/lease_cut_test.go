package redis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/servicetest"
)

// TestCutAndALease: a process is cut off for less than a lease, and nothing happens, or for
// more, and its members leave, and come again as soon as it is back: each once. Sockets, of
// which inboxes are, stay open, and a kept group misses nothing.
func TestCutAndALease(t *testing.T) {
	t.Parallel()
	const members, lines = 50, 20
	for name, test := range map[string]struct {
		cut     time.Duration
		changes int // of each stay
	}{"Shorter": {8 * time.Second, 0}, "Longer": {35 * time.Second, 1}} {
		for how, cut := range map[string]func(*servicetest.Proxy){
			"Cut": (*servicetest.Proxy).Cut, "Silent": (*servicetest.Proxy).Silence,
		} {
			t.Run(name+how, func(t *testing.T) {
				t.Parallel()
				server := servicetest.StartRedis(t)
				proxy := servicetest.StartProxy(t, server.Addr)
				near, far := newLayer(t, server.Addr), newLayer(t, proxy.Addr)
				watcher := join(t, near, "room")
				var all []*member
				for i := range members {
					m := join(t, far, "kept")
					if _, err := m.Enter(t.Context(), "room", i); err != nil {
						t.Fatal(err)
					}
					all = append(all, m)
				}
				watcher.wants(t, channel.TypeJoin, members)
				cut(proxy)
				for i := range lines {
					time.Sleep(test.cut / lines)
					line := channel.NewMessage("line", fmt.Append(nil, i))
					if _, err := near.GroupSend(t.Context(), "kept", line); err != nil {
						t.Fatal(err)
					}
				}
				proxy.Heal()
				for _, m := range all {
					m.wants(t, "line", lines)
				}
				watcher.wants(t, channel.TypeLeave, test.changes*members)
				watcher.wants(t, channel.TypeJoin, (1+test.changes)*members)
				eventually(t, func() error {
					present, err := near.Present(t.Context(), "room")
					if err == nil && len(present) != members {
						err = fmt.Errorf("%d are present", len(present))
					}
					return err
				})
				for _, m := range all {
					if m.Err() != nil || m.count(channel.TypeGap) != 0 {
						t.Fatalf("%v, %d gaps", m.Err(), m.count(channel.TypeGap))
					}
				}
				t.Logf("%v cut off: %d members left and came %d times, %d of %d messages were resumed",
					test.cut, members, test.changes, lines, lines)
			})
		}
	}
}
