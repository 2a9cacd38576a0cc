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
	busy   atomic.Bool // written under mu: letters wait, are handled, or are held
	held   bool        // nobody reads yet; guarded by mu, as all that follows
	closed bool

	mu sync.Mutex
	*letters
	idle chan struct{} // closed when the goroutine is gone, made by who waits
}

// letters are those that wait. A mailbox that never had one has none of it.
type letters struct {
	options *Options
	items   []letter
	live    int             // letters among them that have to fit
	bytes   int             // of those
	again   []channel.Group // of which is asked again, after a pause, who is there
}

// letter is a message with its handler; nil forwards it.
type letter struct {
	message channel.Message
	handle  layerHandler
	key     string        // for Coalesce
	state   channel.Group // if set, who is there is what is sent; message is none
	stay    string        // whose coming or going it is, of one that is owed
	gap     bool          // message is lost, and that it is, is what is told
	missed  bool          // is of before the client came back, or owed: waits in any case
}

func (l *letter) size() int { return len(l.message.Payload()) }

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
	start = m.waiting() > 0
	m.busy.Store(start)
	return start
}

// waiting returns how many letters wait. The caller holds mu.
func (m *mailbox) waiting() int {
	if m.letters == nil {
		return 0
	}
	return len(m.items)
}

// receive makes room for letters. The caller holds mu.
func (m *mailbox) receive(a *App) {
	if m.letters == nil {
		m.letters = &letters{options: &a.options}
	}
}

// put applies the policy. start reports whether the caller must start a goroutine
// that reads the mailbox.
func (m *mailbox) put(l letter, c *Conn) (verdict channel.Verdict, start bool) {
	a := c.app
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return channel.Closed, false
	}
	m.receive(a)
	if m.options.Policy == channel.Coalesce && m.replace(l) {
		a.counters.add(countCoalesced)
		a.counters.addN(countEvicted, m.shrink(l.key, a))
		return channel.Accepted, false
	}
	for !m.fits(l.size()) {
		switch m.options.Policy {
		case channel.DropOldest, channel.Coalesce:
			if m.evict(a) {
				a.counters.add(countEvicted)
				verdict = channel.Displaced
			}
		case channel.CloseSlow:
			return channel.Full, false
		default:
			return m.refuse(l, c)
		}
	}
	m.push(l)
	return verdict, m.wake(c)
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
func (m *mailbox) putMissed(missed []letter, c *Conn) (start bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		c.app.counters.addN(countDiscarded, len(missed))
		return false
	}
	m.receive(c.app)
	for _, l := range missed {
		if l.missed = true; !m.tells(l.state) {
			m.push(l)
		}
	}
	return len(missed) > 0 && m.wake(c)
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

// replace puts l where the letter is that has its key. One of a history goes behind
// the others, for its client takes what has an earlier position as heard.
func (m *mailbox) replace(l letter) bool {
	if l.key == "" {
		return false
	}
	for i := range m.items {
		if m.items[i].key == l.key {
			if l.message.Position() != (channel.Position{}) {
				m.remove(i)
				m.push(l)
				return true
			}
			m.bytes += l.size() - m.items[i].size()
			m.items[i] = l
			return true
		}
	}
	return false
}

// shrink makes up for a replacement that was larger: the oldest letters go, except
// the one with this key. It returns how many did.
func (m *mailbox) shrink(key string, a *App) (gone int) {
	for m.bytes > m.options.Capacity.Bytes && m.live > 1 {
		if i := m.oldest(); m.items[i].key == key {
			m.push(m.remove(i))
		} else if m.evict(a) {
			gone++
		}
	}
	return gone
}

// oldest returns the place of the oldest letter that has to fit. There is one.
func (m *mailbox) oldest() int {
	return slices.IndexFunc(m.items, func(l letter) bool { return !l.missed })
}

// evict takes out the oldest letter that has to fit, and reports whether it is lost: a
// notice stays, and need not fit any more.
func (m *mailbox) evict(a *App) (lost bool) {
	i := m.oldest()
	return m.owe(m.remove(i), i, a)
}

func (m *mailbox) remove(i int) letter {
	l := m.items[i]
	m.items = slices.Delete(m.items, i, i+1)
	m.count(l, -1)
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
	if m.waiting() > 0 {
		l = m.pop()
		return l, m.waiting() > 0, true
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
	a.counters.addN(countDiscarded, m.waiting())
	m.letters = nil
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
