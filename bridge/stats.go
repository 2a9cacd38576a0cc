package bridge

import "fmt"

// Stats is one consistent look at a [Bridge]. All but the last two are gauges; after quiescence
// they are 0, except Capacity and the lanes kept alive by scopes and keys.
type Stats struct {
	Capacity  int    // tokens of the pool
	Running   int    // functions at work, on the pool and on lanes, not waiting inside the bridge
	Parked    int    // functions that wait inside the bridge
	Queued    int    // calls accepted whose function has not begun
	Abandoned int    // functions at work or parked whose call is over (also counted there)
	Lanes     int    // lanes with a thread; hosts are not counted
	Starving  int    // lanes that wait for a thread, as Options.MaxLanes are alive
	Served    uint64 // functions that have returned, ever
	Rejected  uint64 // calls refused with ErrQueueFull or ErrNoThread, ever
}

// Stats returns a consistent snapshot.
func (b *Bridge) Stats() Stats {
	b.mustBeMade("Stats")
	b.mu.Lock()
	defer b.unlock()
	s := b.stats
	s.Running -= s.Parked
	s.Lanes, s.Starving = len(b.lanes.alive), b.lanes.starved.Len()
	return s
}

// Resize changes the pool's capacity. More capacity admits waiting calls at once; less takes effect
// as running functions return, interrupting none. It returns an error if capacity is below 1.
func (b *Bridge) Resize(capacity int) error {
	b.mustBeMade("Resize")
	if capacity < 1 {
		return fmt.Errorf("bridge: Resize: capacity is %d, want at least 1", capacity)
	}
	b.mu.Lock()
	defer b.unlock()
	b.stats.Capacity = capacity
	b.dispatch()
	return nil
}
