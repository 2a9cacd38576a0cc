package channelsredis

import (
	"slices"
	"sync"

	"github.com/parleygo/parley/channel"
)

// listeners are those who hear what comes for an address: a group, the names that begin
// with (or are) a text, or a subject of layers alone.
type listeners struct {
	mu    sync.RWMutex
	lists map[address][]*listener // they are replaced, never changed
}

// address is one of a group, names and a subject; the others are empty.
type address struct{ group, direct, subject string }

// listener is a channel.Subscription. It hears two addresses: what Channels and what
// layers call its subject.
type listener struct {
	subject string
	target  address
	deliver func([]byte)
	end     func()
	once    sync.Once
}

// Unsubscribe implements channel.Subscription.
func (l *listener) Unsubscribe() error {
	l.once.Do(l.end)
	return nil
}

func (l *listener) addresses() []address {
	all := []address{{subject: l.subject}}
	if l.target != (address{}) {
		all = append(all, l.target)
	}
	return all
}

func (ls *listeners) add(l *listener) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.lists == nil {
		ls.lists = make(map[address][]*listener)
	}
	for _, a := range l.addresses() {
		ls.lists[a] = append(slices.Clip(ls.lists[a]), l)
	}
}

func (ls *listeners) remove(l *listener) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, a := range l.addresses() {
		kept := slices.DeleteFunc(slices.Clone(ls.lists[a]),
			func(other *listener) bool { return other == l })
		if ls.lists[a] = kept; len(kept) == 0 {
			delete(ls.lists, a)
		}
	}
}

func (ls *listeners) of(a address) []*listener {
	ls.mu.RLock()
	defer ls.mu.RUnlock()
	return ls.lists[a]
}

// subjects are those whose address is affected.
func (ls *listeners) subjects(affected func(address) bool) (all []string) {
	ls.mu.RLock()
	defer ls.mu.RUnlock()
	for a, list := range ls.lists {
		if a.subject != "" && affected(list[0].target) {
			all = append(all, a.subject)
		}
	}
	return all
}

// tell delivers a payload to all who hear an address.
func (ls *listeners) tell(a address, payload []byte) {
	for _, l := range ls.of(a) {
		l.deliver(payload)
	}
}

// complain has one of those who listen count a message that is none.
func (ls *listeners) complain() {
	ls.mu.RLock()
	var somebody *listener
	for _, list := range ls.lists {
		somebody = list[0]
		break
	}
	ls.mu.RUnlock()
	if somebody != nil {
		somebody.deliver(nil)
	}
}

// payloadOf is what a layer is handed; of a message that is none, for err says so,
// nothing that it understands: it counts that.
func payloadOf(p parcel, to channel.Parcel, err error) []byte {
	if err != nil {
		return nil
	}
	to.Origin, to.Message = p.origin, p.message
	if to.Group != "" {
		to.Except = channel.Name(p.except)
	}
	return to.Payload()
}
