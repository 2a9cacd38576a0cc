package consumer

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/parleygo/parley/channel"
)

// mailbox holds the layer's messages that wait: for their handler, or, on a conn
// that cannot be offered messages, for the transport. A goroutine reads it while
// there is something in it, and is gone when there is not.
type mailbox struct {
	options *Options
	busy    atomic.Bool // written under mu: letters wait, are handled, or are held
	held    bool        // nobody reads yet; guarded by mu, as all that follows
	closed  bool

	mu    sync.Mutex
	items []letter
	live  int           // letters among them that have to fit
	bytes int           // of those
	idle  chan struct{} // closed when the goroutine is gone, made by who waits
}

// letter is a message with its handler; nil forwards it.
type letter struct {
	message channel.Message
	handle  layerHandler
	key     string        // for Coalesce
	state   channel.Group // if set, who is there is what is sent; message is none
	missed  bool          // it was sent before the client came back, and waits whatever there is
}

func (l *letter) size() int { return len(l.message.Payload()) }

// presents reports whether the letter tells a client who comes or goes.
func (l *letter) presents() bool {
	typ := l.message.Type()
	return l.handle == nil && (typ == channel.TypeJoin || typ == channel.TypeLeave)
}

// hold keeps letters until release.
func (m *mailbox) hold() {
	m.held = true
	m.busy.Store(true)
}

// release reports whether the caller must start a goroutine that reads what has
// come meanwhile.
func (m *mailbox) release() (start bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held = false
	start = len(m.items) > 0
	m.busy.Store(start)
	return start
}

// put applies the policy. start reports whether the caller must start a goroutine
// that reads the mailbox.
func (m *mailbox) put(l letter, c *Conn) (verdict channel.Verdict, start bool) {
	a := c.app
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return channel.Closed, false
	case m.options.Policy == channel.Coalesce && m.replace(l):
		a.counters.add(countCoalesced)
		a.counters.addN(countEvicted, m.shrink(l.key))
		return channel.Accepted, false
	}
	for !m.fits(l.size()) {
		switch {
		case m.options.Policy == channel.DropOldest, m.options.Policy == channel.Coalesce:
		case m.options.Policy != channel.CloseSlow && l.presents():
			m.owe(l.message.Group())
			return channel.Accepted, m.wake(c)
		default:
			return channel.Full, false
		}
		m.evict()
		a.counters.add(countEvicted)
		verdict = channel.Displaced
	}
	m.push(l)
	return verdict, m.wake(c)
}

// owe makes up for a letter about who comes or goes that has found no room. Who is there
// is told instead, behind everything that was told of it before: a client that lost one
// would believe something wrong for ever.
func (m *mailbox) owe(group channel.Group) {
	m.items = slices.DeleteFunc(m.items, func(l letter) bool { return l.state == group })
	m.push(letter{state: group, missed: true})
}

// wake reports whether the caller must start a goroutine that reads the mailbox. The
// caller holds mu.
func (m *mailbox) wake(c *Conn) (start bool) {
	if start = !m.busy.Load(); start {
		m.busy.Store(true)
		c.stopFollowing()
	}
	return start
}

// putMissed puts letters behind what waits: their number is bounded by the log that
// they are from.
func (m *mailbox) putMissed(letters []letter, c *Conn) (start bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		c.app.counters.addN(countDiscarded, len(letters))
		return false
	}
	for _, l := range letters {
		if l.missed = true; !m.tells(l.state) {
			m.push(l)
		}
	}
	return len(letters) > 0 && m.wake(c)
}

// tells reports whether the client is to be told who is in a group when a letter that
// waits has its turn: then, and not before, anybody asks.
func (m *mailbox) tells(group channel.Group) bool {
	return group != "" &&
		slices.ContainsFunc(m.items, func(l letter) bool { return l.state == group })
}

// fits reports whether there is room. A mailbox with nothing live takes anything.
func (m *mailbox) fits(size int) bool {
	limit := &m.options.Capacity
	return m.live == 0 || m.live < limit.Messages && m.bytes+size <= limit.Bytes
}

// replace puts l where the letter is that has its key.
func (m *mailbox) replace(l letter) bool {
	for i := range m.items {
		if l.key != "" && m.items[i].key == l.key {
			m.bytes += l.size() - m.items[i].size()
			m.items[i] = l
			return true
		}
	}
	return false
}

// shrink makes up for a replacement that was larger: the oldest letters go, except
// the one with this key. It returns how many did.
func (m *mailbox) shrink(key string) (gone int) {
	for m.bytes > m.options.Capacity.Bytes && m.live > 1 {
		if oldest := m.evict(); oldest.key == key {
			m.push(oldest)
		} else {
			gone++
		}
	}
	return gone
}

// evict takes out the oldest letter that has to fit. There is one.
func (m *mailbox) evict() letter {
	i := slices.IndexFunc(m.items, func(l letter) bool { return !l.missed })
	l := m.items[i]
	m.items = slices.Delete(m.items, i, i+1)
	m.count(l, -1)
	if l.presents() {
		m.owe(l.message.Group())
	}
	return l
}

func (m *mailbox) push(l letter) {
	m.items = append(m.items, l)
	m.count(l, 1)
}

func (m *mailbox) pop() letter {
	l := m.items[0]
	m.items[0] = letter{}
	m.items = m.items[1:]
	m.count(l, -1)
	if len(m.items) == 0 {
		m.items = nil // an idle connection keeps no buffer
	}
	return l
}

// count takes note of one letter more or less.
func (m *mailbox) count(l letter, by int) {
	if !l.missed {
		m.live += by
		m.bytes += by * l.size()
	}
}

// next returns the oldest letter, and whether there are more. If there is none the
// goroutine is to end.
func (m *mailbox) next() (l letter, more, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.items) > 0 {
		l = m.pop()
		return l, len(m.items) > 0, true
	}
	m.busy.Store(false)
	if m.idle != nil {
		close(m.idle)
		m.idle = nil
	}
	return letter{}, false, false
}

// close discards what waits and returns when nothing is being handled.
func (m *mailbox) close(a *App) {
	m.mu.Lock()
	m.closed = true
	a.counters.addN(countDiscarded, len(m.items))
	m.items, m.live, m.bytes = nil, 0, 0
	var idle chan struct{}
	if m.busy.Load() && !m.held {
		idle = make(chan struct{})
		m.idle = idle
	}
	m.mu.Unlock()
	if idle != nil {
		<-idle
	}
}
