package socket

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/feed"
)

// hall is a group with one member.
type hall struct {
	mu   sync.Mutex
	feed *feed.Feed
	left bool
}

type everything struct{}

func (everything) Forwards(string) bool { return true }

func newHall(c *Conn) *hall {
	h := &hall{left: true}
	h.feed = feed.New(&h.mu, feed.Kind{Carrier: c.Carrier(), Table: everything{}})
	return h
}

func (h *hall) Take(reader feed.Reader) *feed.Place {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left = false
	return h.feed.Join(reader, h)
}

func (h *hall) Left(int) { h.left = true }

// follows reports whether the socket has its place yet.
func (h *hall) follows() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.left
}

// say appends without having anybody walk.
func (h *hall) say(texts ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, text := range texts {
		h.feed.Append(h.feed.Frame("", parley.Prepare(parley.Text(text))), len(text))
	}
}

// What else is written comes behind what the feed had before, and before what it has
// later.
func TestFollowingInOrder(t *testing.T) {
	c, ctx, p := overTCP(t, parley.SocketOptions{})
	h := newHall(c)
	c.Follow(h)
	next := 0
	number := func() string { next++; return fmt.Sprint(next - 1) }
	for range 50 {
		h.say(number(), number())
		if err := c.Offer(parley.Text(number())); err != nil {
			t.Error(err)
		}
		h.say(number())
		if err := c.Write(ctx, parley.Text(number())); err != nil {
			t.Error(err)
		}
		h.say(number())
	}
	c.Unfollow(nil)
	c.Unfollow(nil)
	for i := range next {
		p.expect(finBit|opText, fmt.Sprint(i))
	}
}

// However a socket ceases to follow, it has what was said before.
func TestFollowingEnds(t *testing.T) {
	for name, row := range map[string]struct {
		end  func(*Conn, *hall)
		then func(*peer)
	}{
		"close": {func(c *Conn, _ *hall) { c.Close(parley.CloseNormal, "", parley.ErrClosed) },
			func(p *peer) { p.expectClose(parley.CloseNormal) }},
		"abort": {func(c *Conn, _ *hall) { c.CatchUp(); c.Abort(parley.ErrDisconnected) },
			func(p *peer) {
				if _, _, err := p.next(); err == nil {
					t.Error("a frame behind an abort")
				}
			}},
		"its membership is over": {func(c *Conn, _ *hall) {
			c.out.mu.Lock()
			place := c.out.place
			c.out.mu.Unlock()
			c.Unfollow(place)
		}, func(*peer) {}},
		"another group says more": {func(c *Conn, _ *hall) {
			other := newHall(c)
			for !other.follows() {
				c.Offer(parley.Text("other"))
				c.Follow(other)
			}
			other.say("more")
		}, func(p *peer) {
			for range 8 {
				p.expect(finBit|opText, "other")
			}
			p.expect(finBit|opText, "more")
		}},
		"no room": {func(c *Conn, _ *hall) {
			c.Offer(parley.Binary(make([]byte, c.made.options.QueueBytes-window(&c.made.options))))
		}, func(p *peer) { p.frame() }},
	} {
		t.Run(name, func(t *testing.T) {
			c, _, p := overTCP(t, parley.SocketOptions{QueueBytes: 64 << 10})
			h := newHall(c)
			c.Follow(h)
			h.say("1", "2", "3")
			if !h.follows() {
				t.Fatal("does not follow")
			}
			row.end(c, h)
			if h.follows() {
				t.Error("follows still")
			}
			h.say("nobody hears this")
			for i := range 3 {
				p.expect(finBit|opText, fmt.Sprint(i+1))
			}
			row.then(p)
		})
	}
}

// What a socket has of a feed counts like what was offered to it, from the moment when
// it was said.
func TestFollowersAreCounted(t *testing.T) {
	u := NewUpgrader(parley.SocketOptions{})
	server, client := tcpPair(t)
	c := newConn(server, nil, u, false)
	ctx := newLife(t.Context())
	c.Start(ctx)
	h := newHall(c)
	c.Follow(h)
	h.say("1", "22", "333")
	if got := c.State(); got.Queued != 3 || got.QueuedBytes != 12 || got.MessagesOut != 3 ||
		got.BytesOut != 12 {
		t.Errorf("%+v", got)
	}
	h.feed.Walk()
	h.say("4444")
	c.Abort(parley.ErrDisconnected)
	if got := c.State(); got.MessagesOut != 4 || got.BytesOut != 18 {
		t.Errorf("%+v", got)
	}
	if got := u.Traffic(); got.MessagesOut != 4 || got.BytesOut != 10 {
		t.Errorf("%+v", got)
	}
	<-c.Gone()
	client.Close()
}

// A socket does not follow whose peer reads nothing, that has no kernel socket of its
// own, or that is over.
func TestNotFollowing(t *testing.T) {
	over := func(c *Conn) *Conn { c.Abort(parley.ErrDisconnected); return c }
	tcp, _, _ := overTCP(t, parley.SocketOptions{})
	pipe, _, _ := overPipe(t, parley.SocketOptions{})
	full, _, _ := overTCP(t, parley.SocketOptions{})
	full.out.mu.Lock()
	full.out.stalled = true
	full.out.mu.Unlock()
	for name, c := range map[string]*Conn{"over": over(tcp), "pipe": pipe, "full": full} {
		h := newHall(c)
		if c.Follow(h); h.follows() {
			t.Errorf("%s: follows", name)
		}
	}
}

// A follower that reads nothing gives its place up, with what it has taken in its own
// queue; that arrives when it reads again.
func TestFollowerStalls(t *testing.T) {
	c, _, p := overTCP(t, parley.SocketOptions{})
	h := newHall(c)
	c.Follow(h)
	count := 0
	for text := strings.Repeat("x", 60<<10); h.follows(); count++ {
		h.say(text)
		h.feed.Walk()
	}
	c.Offer(parley.Text("end"))
	for range count {
		if _, payload := p.frame(); len(payload) != 60<<10 {
			t.Fatalf("%d bytes", len(payload))
		}
	}
	p.expect(finBit|opText, "end")
}

// Sayings, walks and writes at once, for the race detector.
func TestFollowingAtOnce(t *testing.T) {
	c, ctx, p := overTCP(t, parley.SocketOptions{})
	h := newHall(c)
	c.Follow(h)
	var all sync.WaitGroup
	const each = 300
	for _, say := range []func(i int){
		func(i int) {
			h.say("f")
			if i%3 == 0 {
				h.feed.Walk()
			}
		},
		func(int) { c.Write(ctx, parley.Text("w")) },
		func(int) { c.Offer(parley.Text("o")) },
	} {
		all.Go(func() {
			for i := range each {
				say(i)
			}
		})
	}
	heard := map[string]int{}
	for range 3 * each {
		_, payload := p.frame()
		heard[payload]++
	}
	all.Wait()
	if heard["f"] != each || heard["w"] != each || heard["o"] != each {
		t.Errorf("heard %v", heard)
	}
	c.Close(parley.CloseNormal, "", parley.ErrClosed)
	p.expectClose(parley.CloseNormal)
	p.send(finBit|opClose, "\x03\xe8")
	io.Copy(io.Discard, p.conn)
}
