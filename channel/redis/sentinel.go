package redis

import "time"

// lookout is how often a line looks whether sentinels have named another master. The
// client hears of it from them at once; nothing is asked.
const lookout = 50 * time.Millisecond

// watch returns when to look.
func (t *Transport) watch() (when <-chan time.Time, stop func()) {
	if !t.sentinels {
		return nil, func() {}
	}
	tick := time.NewTicker(lookout)
	return tick.C, tick.Stop
}

// master returns the address of the master that the client uses, where there are
// sentinels.
func (t *Transport) master() string {
	if t.sentinels {
		for address := range t.client.Nodes() {
			return address
		}
	}
	return ""
}
