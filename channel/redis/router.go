package redis

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// router knows which server of a cluster has a slot, and gives topics to the lines of
// those servers.
type router struct {
	t    *Transport
	bell chan struct{}
	at   atomic.Pointer[[]span]
}

// span is slots that one server has.
type span struct {
	first, last int64
	address     string
}

// route finds out who has what, and begins to watch it.
func (t *Transport) route(ctx context.Context) error {
	t.router = &router{t: t, bell: make(chan struct{}, 1)}
	if err := t.router.look(ctx); err != nil {
		return err
	}
	t.running.Go(t.router.run)
	return nil
}

// owner returns the address of the server that has a slot, or "" if none has.
func (r *router) owner(slot uint16) string {
	for _, span := range *r.at.Load() {
		if span.first <= int64(slot) && int64(slot) <= span.last {
			return span.address
		}
	}
	return ""
}

// ask has the router look again, soon.
func (r *router) ask() {
	if r != nil {
		ring(r.bell)
	}
}

// between is the least time between two looks.
const between = 50 * time.Millisecond

func (r *router) run() {
	tick := time.NewTicker(r.t.options.Timeout)
	defer tick.Stop()
	for r.t.work.Err() == nil {
		select {
		case <-r.t.work.Done():
			return
		case <-tick.C:
		case <-r.bell:
		}
		ctx, cancel := context.WithTimeout(r.t.work, r.t.options.Timeout)
		if err := r.look(ctx); err == nil {
			r.t.assign()
		}
		cancel()
		sleep(r.t.work, between)
	}
}

var errNoNode = errors.New("no node of the cluster answers")

// look asks the nodes, one after the other, who has what.
func (r *router) look(ctx context.Context) error {
	err := errNoNode
	for address, node := range r.t.client.Nodes() {
		var spans []rueidis.RedisMessage
		command := node.B().ClusterSlots().Build()
		if spans, err = node.Do(ctx, command).ToArray(); err != nil {
			continue
		}
		var all []span
		for _, message := range spans {
			if one, ok := readSpan(message, address); ok {
				all = append(all, one)
			}
		}
		r.at.Store(&all)
		return nil
	}
	return err
}

// readSpan reads an element of what CLUSTER SLOTS answers. A server that does not know
// its own host is at the address where it was asked.
func readSpan(message rueidis.RedisMessage, asked string) (span, bool) {
	parts, err := message.ToArray()
	if err != nil || len(parts) < 3 {
		return span{}, false
	}
	first, err1 := parts[0].AsInt64()
	last, err2 := parts[1].AsInt64()
	master, err3 := parts[2].ToArray()
	if errors.Join(err1, err2, err3) != nil || len(master) < 2 {
		return span{}, false
	}
	host, _ := master[0].ToString()
	port, err := master[1].AsInt64()
	if host == "" {
		host, _, _ = net.SplitHostPort(asked)
	}
	address := net.JoinHostPort(host, strconv.FormatInt(port, 10))
	return span{first, last, address}, err == nil && host != "?"
}

// assign gives each topic to the line of the server that has its slot now, and ends
// the lines of servers that have none.
func (t *Transport) assign() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	for _, top := range t.topics {
		line := t.lineOf(t.names.subject(top.kind, top.channel))
		if line == nil || line == top.line {
			continue
		}
		if top.line != nil && top.on {
			top.line.strays = append(top.line.strays, top.channel)
			top.line.poke()
		}
		top.off()
		top.line, top.dirty = line, false
		top.mark()
	}
	spans := *t.router.at.Load()
	for address, line := range t.lines {
		if !slices.ContainsFunc(spans, func(s span) bool { return s.address == address }) {
			line.stop()
			delete(t.lines, address)
		}
	}
}

// astray takes a topic from its line, for the server has it no more, and has the
// router find another. The caller holds mu.
func (t *Transport) astray(top *topic) {
	top.off()
	top.line, top.dirty = nil, false
	t.router.ask()
}
