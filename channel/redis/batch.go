package redis

import "slices"

// What a line and its session make of a batch of topics.

// sort decides what to do with each, and forgets those that nobody wants.
func (l *line) sort(batch []*topic) (wanted []*topic, unwanted []string) {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	for _, top := range batch {
		switch {
		case top.line != l || (top.on && top.listeners != nil):
		case top.listeners != nil:
			wanted = append(wanted, top)
		case top.on:
			top.on = false
			unwanted = append(unwanted, top.channel)
			l.t.forget(top)
		default:
			l.t.forget(top)
		}
	}
	return wanted, unwanted
}

// together is how many channels one command subscribes to.
const together = 512

// grouped divides topics into groups that one command can name: of one slot where the
// server is particular about it.
func (l *line) grouped(topics []*topic) (groups [][]*topic) {
	if !l.t.sharded {
		return slices.Collect(slices.Chunk(topics, together))
	}
	bySlot := make(map[uint16][]*topic)
	for _, top := range topics {
		number := slot(l.t.names.subject(top.kind, top.channel))
		bySlot[number] = append(bySlot[number], top)
	}
	for _, group := range bySlot {
		groups = append(groups, group)
	}
	return groups
}

// confirm notes that the server sends now.
func (l *line) confirm(topics []*topic) {
	var ring []*listener
	l.t.mu.Lock()
	for _, top := range topics {
		if top.line != l {
			l.strays = append(l.strays, top.channel)
			continue
		}
		if top.on = true; top.lost {
			top.lost = false
			l.miss(l.t.names.subject(top.kind, top.channel))
		}
		if top.settle(nil); top.listeners == nil {
			top.mark() // nobody wants it any more
		}
		if top.kind == bell {
			ring = append(ring, top.listeners...)
		}
	}
	l.t.mu.Unlock()
	for _, reader := range ring {
		reader.deliver(nil)
	}
}

// miss notes that payloads of a subject may have been missed. The caller holds mu.
func (l *line) miss(subject string) {
	l.missed = append(l.missed, subject)
	if r := l.t.readers[subject]; r != nil {
		r.told = true
	}
}

// deny notes that the server does not permit a topic. Who has just subscribed is told;
// those who could before hope that they will again.
func (l *line) deny(top *topic, err error) {
	l.t.options.Logger.Error("redis: may not subscribe", "channel", top.channel, "err", err)
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	if top.line != l {
		return
	}
	if top.lost {
		l.denied = true
		return
	}
	l.t.forget(top)
	top.listeners = nil
	top.settle(err)
}

// astray notes that topics are another server's.
func (l *line) astray(topics []*topic) {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	for _, top := range topics {
		if top.line == l {
			l.t.astray(top)
		}
	}
}
