package channel_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/channeltest"
)

// presenceTest has members come and go on processes that are cut off, slow and killed.
type presenceTest struct {
	t          *testing.T
	random     *rand.Rand
	broker     channel.Broker
	layers     []*channel.Layer
	transports []*channeltest.FaultyTransport
	witnesses  []*witness
	inboxes    []*channel.Inbox
}

func newPresenceTest(t *testing.T, seed uint64) *presenceTest {
	p := &presenceTest{t: t, random: rand.New(rand.NewPCG(seed, 3))}
	for i := range 3 {
		transport := channeltest.Faulty(p.broker.Connect(), seed*10+uint64(i), channeltest.Faults{
			Drop: 0.05, Duplicate: 0.2, Delay: 0.3, Late: 2 * time.Second,
		})
		layer := newLayer(t, channel.Options{Transport: transport})
		p.transports, p.layers = append(p.transports, transport), append(p.layers, layer)
		w, _ := newWitness(t, layer)
		p.witnesses = append(p.witnesses, w)
	}
	return p
}

func (p *presenceTest) step() {
	i := p.random.IntN(len(p.layers))
	switch dice := p.random.IntN(100); {
	case dice < 30:
		in, err := p.layers[i].Open(ctx, channel.InboxOptions{Policy: channel.DropOldest})
		if err == nil {
			_, _ = in.Enter(ctx, "room", dice)
			p.inboxes = append(p.inboxes, in)
		}
	case dice < 55 && len(p.inboxes) > 0:
		in := p.inboxes[p.random.IntN(len(p.inboxes))]
		switch dice % 3 {
		case 0:
			in.Close()
		case 1:
			in.Exit("room")
		case 2:
			_, _ = in.Enter(ctx, "room", dice)
		}
	case dice < 60:
		p.transports[i].Cut()
	case dice < 70:
		p.transports[i].Mend()
	default:
		time.Sleep(time.Duration(p.random.IntN(8)) * time.Second)
	}
}

// Members come and go, and processes are cut off for longer than a lease and for
// shorter: all members everywhere are told of each stay once, and in the end everybody
// knows who is there.
func TestE21_PresenceModel(t *testing.T) {
	seeds := uint64(40)
	if testing.Short() {
		seeds = 8
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			p := newPresenceTest(t, seed)
			for range 300 {
				p.step()
			}
			for _, transport := range p.transports {
				transport.Mend()
			}
			time.Sleep(2 * time.Minute)
			for i, w := range p.witnesses {
				w.mu.Lock()
				stays := len(w.began) // how many one misses while it is cut off differs
				w.mu.Unlock()
				w.check(t, p.layers[i], stays)
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
}
