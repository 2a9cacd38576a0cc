package channel

import (
	"context"
	"encoding/json"
	"time"

	"github.com/parleygo/parley/internal/presence"
)

// news is what one envelope says of stays in one group: that they begin, or that they
// are over. The payload is a JSON array of Members.
type news struct {
	group Group
	kind  byte
	stays []presence.Stay
}

const (
	mostStays = 500          // in one envelope
	mostBytes = 64 << 10     // likewise, unless it is one stay
	aStay     = MaxName + 30 // bytes around what it shows
	ahead     = 2000         // announcements that are looked through for more of a group
)

// leavesAtOnce is how many stays that are over one envelope has room for.
func (o *Options) leavesAtOnce() int {
	return max(1, min(mostStays, o.newsBytes()/aStay))
}

func (o *Options) newsBytes() int { return min(mostBytes, o.MaxMessage-presenceFrame) }

// say publishes the news, the oldest first, and then removes the records of who has
// left: so who dies between is said to have left once more, which nobody hears. The lease
// and who wants to enter do not wait for all of it, until the layer is closed.
func (k *keeper) say(ctx context.Context) error {
	for said := 1; ; said++ {
		k.mu.Lock()
		if k.isPressed(said) {
			k.mu.Unlock()
			k.nudge()
			return nil
		}
		if len(k.outbox) == 0 {
			exits := k.exits
			k.exits, k.outbox = nil, nil
			k.mu.Unlock()
			return k.remove(ctx, exits)
		}
		n, places := k.gather()
		k.mu.Unlock()
		if err := k.tell(ctx, n); err != nil {
			return err
		}
		k.strike(places)
	}
}

// isPressed reports whether there is something to do between. It is called with mu held.
func (k *keeper) isPressed(said int) bool {
	if k.layer.ctx.Err() != nil {
		return false
	}
	return said%sayAtOnce == 0 && len(k.enters) > 0 || !time.Now().Before(k.renewAt)
}

// gather returns what one envelope can say: the oldest announcement, and those that
// follow it in the same group for as long as they are of the same kind. It returns their
// places too, and is called with mu held.
func (k *keeper) gather() (n news, places []int) {
	first, size, limit := k.outbox[0], 0, k.layer.options.newsBytes()
	n = news{group: first.group, kind: first.kind}
	for i, a := range k.outbox[:min(len(k.outbox), ahead)] {
		if a.group != first.group {
			continue
		}
		size += aStay + len(a.stay.Show)
		if a.kind != first.kind || i > 0 && (size > limit || len(places) == mostStays) {
			break
		}
		n.stays, places = append(n.stays, a.stay), append(places, i)
	}
	return n, places
}

// strike removes announcements that were made. Others have only been added behind them,
// and are not touched: there may be very many.
func (k *keeper) strike(places []int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	struck, to := len(places), places[len(places)-1]
	for i := to; i >= 0; i-- {
		if last := len(places) - 1; last >= 0 && places[last] == i {
			places = places[:last]
			continue
		}
		k.outbox[to] = k.outbox[i]
		to--
	}
	clear(k.outbox[:struck])
	k.outbox = k.outbox[struck:]
}

// tell publishes news, of which most often all is known here.
func (k *keeper) tell(ctx context.Context, n news) error {
	if err := k.publish(ctx, n); err != nil {
		return err
	}
	for _, s := range n.stays {
		k.layer.presence.heard(n.group, n.kind, s)
	}
	return nil
}

func (k *keeper) publish(ctx context.Context, n news) error {
	e := envelope{
		kind: n.kind, target: string(n.group), message: NewMessage("presence", n.payload()),
	}
	return k.call(ctx, func(ctx context.Context) error {
		return k.layer.publish(ctx, k.layer.wire.group(n.group), e)
	})
}

// payload leaves out what those have shown who are gone: who has to know it does.
func (n *news) payload() []byte {
	members := make([]Member, len(n.stays))
	for i, s := range n.stays {
		if members[i].ID = s.ID; n.kind == kindJoin {
			members[i].Show = shown(s.Show)
		}
	}
	payload, _ := json.Marshal(members) // which has an encoding always
	return payload
}

// shown is what a stay shows, for those who write it into JSON: null for what another
// process has put there and is none.
func shown(show []byte) json.RawMessage {
	if !json.Valid(show) {
		return json.RawMessage("null")
	}
	return show
}

// readNews reads what another layer says. It returns false if that is not what it
// should be.
func readNews(e *envelope) (n news, ok bool) {
	var members []Member
	if err := json.Unmarshal(e.message.Payload(), &members); err != nil || len(members) == 0 {
		return news{}, false
	}
	n = news{group: Group(e.target), kind: e.kind}
	for _, m := range members {
		if !valid(m.ID) {
			return news{}, false
		}
		n.stays = append(n.stays, presence.Stay{ID: m.ID, Show: m.Show})
	}
	return n, true
}
