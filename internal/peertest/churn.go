package peertest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/servicetest"
)

// Sight is what one who watches was told: who was there when it came, and how often each
// has come and gone since.
type Sight struct {
	Listed       map[string]bool
	Joined, Left map[string]int
}

// Watch has one more watch who is in the room.
func (p *Peer) Watch(_ int, _ *int) error {
	inbox, err := p.layer.Open(context.Background(), channel.InboxOptions{
		Capacity: channel.Capacity{Messages: -1, Bytes: -1}})
	if err == nil {
		err = inbox.Join(context.Background(), "room")
	}
	if err != nil {
		return err
	}
	s := &Sight{map[string]bool{}, map[string]int{}, map[string]int{}}
	go p.watch(inbox, s.Joined, s.Left)
	present, err := p.layer.Present(context.Background(), "room")
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, member := range present {
		s.Listed[member.ID] = true
	}
	p.sights = append(p.sights, s)
	return err
}

// Sights returns what all who watch were told.
func (p *Peer) Sights(_ int, sights *[]Sight) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sights {
		*sights = append(*sights, Sight{s.Listed, maps.Clone(s.Joined), maps.Clone(s.Left)})
	}
	return nil
}

// Churn has members come, show something else and go, several at once, for as long as the
// process lives.
func (p *Peer) Churn(seed uint64, _ *int) error {
	for i := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, i))
		go func() {
			for {
				p.stay(random)
			}
		}()
	}
	return nil
}

// stay is one member's. What fails, as it may for who was stopped, is tried again.
func (p *Peer) stay(random *rand.Rand) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	inbox, err := p.layer.Open(ctx, channel.InboxOptions{Policy: channel.DropOldest})
	if err != nil {
		return
	}
	defer inbox.Close()
	for range random.IntN(5) {
		_, _ = inbox.Enter(ctx, "room", random.IntN(3))
		if random.IntN(3) == 0 {
			inbox.Exit("room")
		}
		time.Sleep(within(random, 20*time.Millisecond))
	}
}

// churn: processes whose members come and go are killed at any moment, or stopped for
// shorter and for longer than their lease, while others look who is there.
func churn(t *testing.T, here *side, others Others) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	lives := others.start(t)
	survivors := []*side{here, lives}
	look := func() {
		for _, s := range survivors {
			ask[int](s, "Watch", 0)
		}
	}
	look()
	var die []*servicetest.Process
	for i := range 6 {
		s, process := others.startToKill(t)
		ask[int](s, "Churn", seed+uint64(i))
		die = append(die, process)
	}
	for _, process := range die[:4] {
		time.Sleep(within(random, 300*time.Millisecond))
		look()
		process.Kill()
	}
	for _, process := range die[4:] {
		stop(process)
	}
	for i, length := range []time.Duration{10 * time.Second, 26 * time.Second} {
		look()
		time.Sleep(length) // and that is the end of the second one's lease
		resume(die[4+i])
		time.Sleep(within(random, 2*time.Second))
		die[4+i].Kill()
	}
	eventually(t, "the room is empty, and everybody knows", func() bool {
		for _, s := range survivors {
			for _, sight := range ask[[]Sight](s, "Sights", 0) {
				if len(sight.there()) > 0 {
					return false
				}
			}
		}
		return len(ask[Room](here, "Room", 0).Present) == 0
	})
	for _, s := range survivors {
		seen(t, s)
	}
}

// seen looks at what those were told who watch.
func seen(t *testing.T, s *side) {
	for i, sight := range ask[[]Sight](s, "Sights", 0) {
		for _, fault := range sight.faults(i == 0) {
			t.Errorf("%s, watcher %d: %s", s.name, i, fault)
		}
	}
}

func within(random *rand.Rand, limit time.Duration) time.Duration {
	return time.Duration(random.Int64N(int64(limit)))
}

// there is who has come and not gone, by what was told.
func (s Sight) there() (ids []string) {
	known := maps.Clone(s.Listed)
	for id := range s.Joined {
		known[id] = true
	}
	for id := range known {
		if s.Left[id] == 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// faults are what cannot be. Who was there first has seen each stay begin.
func (s Sight) faults(first bool) (faults []string) {
	for id, times := range s.Joined {
		if times > 1 {
			faults = append(faults, fmt.Sprintf("%s begins %d times", id, times))
		}
	}
	for id, times := range s.Left {
		if times > 1 || first && s.Joined[id] == 0 && !s.Listed[id] {
			faults = append(faults,
				fmt.Sprintf("%s begins %d times and ends %d times", id, s.Joined[id], times))
		}
	}
	return slices.Sorted(slices.Values(faults))
}
