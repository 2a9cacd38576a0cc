package channel_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// crash is a few processes on one broker, one of which meets its fate at one of its calls.
type crash struct {
	t        *testing.T
	broker   channel.Broker
	guests   bool            // somebody comes and looks who is there when it happens
	accepted map[string]bool // lines

	mu        sync.Mutex
	processes []*doomed
	observers []*observer
}

// doomed is one of the processes, most of which nothing happens to.
type doomed struct {
	*channel.Layer
	mortal *mortal
	name   string
	shows  map[string]bool // what its members show, by what they were told
}

// observer is a member, and what it was told.
type observer struct {
	at    *doomed
	name  string
	early bool // it was there before everybody

	mu           sync.Mutex
	joined, left map[string]int
	listed       map[string]bool
	faults       []string
	lines        []string
	last         channel.Position
	gap          bool // lines may be missing
}

func (o *observer) deliver(m channel.Message) channel.Verdict {
	o.mu.Lock()
	defer o.mu.Unlock()
	var who channel.Member
	switch m.Type() {
	case channel.TypeJoin, channel.TypeLeave:
		_ = json.Unmarshal(m.Payload(), &who)
	}
	switch m.Type() {
	case channel.TypeJoin:
		if o.joined[who.ID]++; o.left[who.ID] > 0 {
			o.faults = append(o.faults, "a stay begins behind its end: "+string(who.Show))
		}
	case channel.TypeLeave:
		if o.left[who.ID]++; o.early && o.joined[who.ID] == 0 {
			o.faults = append(o.faults, "a stay ends that has not begun: "+string(who.Show))
		}
	case channel.TypeGap:
		o.gap = true
	case "line":
		at := m.Position()
		if at.Epoch == o.last.Epoch && at.Offset <= o.last.Offset {
			o.faults = append(o.faults, fmt.Sprintf("line %s at %v behind %v", m.Payload(), at, o.last))
		}
		o.last, o.lines = at, append(o.lines, string(m.Payload()))
	}
	return channel.Accepted
}

func (c *crash) try(what func(ctx context.Context) error) (done bool) {
	limit, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return what(limit) == nil
}

// insist tries until it is done, or the process is dead.
func (c *crash) insist(at *doomed, what func(ctx context.Context) error) (done bool) {
	for tries := 0; !c.try(what); tries++ {
		if at.mortal.isDead() {
			return false
		}
		if tries > 1000 {
			panic("it is never done")
		}
		time.Sleep(time.Second)
	}
	return true
}

// open returns nil if the process is dead.
func (c *crash) open(at *doomed, options channel.InboxOptions) (in *channel.Inbox) {
	c.insist(at, func(ctx context.Context) (err error) {
		in, err = at.Open(ctx, options)
		return err
	})
	return in
}

// observe has a member be there that looks and tells nobody.
func (c *crash) observe(at *doomed, name string, early bool) {
	o := &observer{at: at, name: name, early: early, joined: make(map[string]int),
		left: make(map[string]int), listed: make(map[string]bool)}
	in := c.open(at, channel.InboxOptions{Deliver: o.deliver})
	if in == nil || !c.insist(at, func(ctx context.Context) error { return in.Join(ctx, "room") }) {
		return
	}
	if !c.insist(at, func(ctx context.Context) error { return in.Join(ctx, "kept") }) {
		return
	}
	if !c.insist(at, func(ctx context.Context) error {
		list, err := at.Present(ctx, "room")
		o.mu.Lock()
		defer o.mu.Unlock()
		for _, m := range list {
			o.listed[m.ID] = true
		}
		return err
	}) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.observers = append(c.observers, o)
}

// start has a process begin, which fate befalls at a call, unless that is 0.
func (c *crash) start(name string, at int, f fate) *doomed {
	p := &doomed{name: name, shows: make(map[string]bool)}
	p.mortal = connectMortal(&c.broker, at, f, c.look)
	p.Layer = channel.New(channel.Options{Transport: p.mortal,
		History: []channel.HistoryRule{{Pattern: "kept"}},
		Logger:  slog.New(slog.DiscardHandler)})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.processes = append(c.processes, p)
	return p
}

func (c *crash) all() []*doomed {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.processes)
}

// look has guests come, one to a process that knows who is there, and one to another.
func (c *crash) look() {
	if !c.guests {
		return
	}
	for _, p := range c.all() { // whom it does not happen to, for it may wait for them
		if !p.mortal.isDoomed() {
			c.observe(p, "guest", false)
			break
		}
	}
	c.observe(c.start("late", 0, fate{}), "late guest", false)
}

// comes has a new member enter. It returns nil if the process is dead.
func (c *crash) comes(p *doomed, show string) *channel.Inbox {
	in := c.open(p, channel.InboxOptions{Policy: channel.DropOldest})
	if in != nil {
		c.enter(p, in, show)
	}
	return in
}

// enter has a member show a text, if that does not go wrong.
func (c *crash) enter(p *doomed, in *channel.Inbox, show string) {
	if c.try(func(ctx context.Context) error { _, err := in.Enter(ctx, "room", show); return err }) {
		p.shows[strconv.Quote(show)] = true
	}
	synctest.Wait()
}

func (c *crash) leaves(p *doomed, in *channel.Inbox, show string, ends func(*channel.Inbox)) {
	if in != nil {
		ends(in)
	}
	delete(p.shows, strconv.Quote(show))
	synctest.Wait()
}

func (c *crash) say(p *doomed, line string) {
	if c.try(func(ctx context.Context) error {
		_, err := p.GroupSend(ctx, "kept", channel.NewMessage("line", []byte(line)))
		return err
	}) {
		c.accepted[line] = true
	}
	synctest.Wait()
}

// play is what happens on three processes but for fate.
func (c *crash) play(host, other, actor *doomed) {
	for _, p := range []*doomed{host, other, actor} {
		c.observe(p, "observer", true)
	}
	c.comes(host, "host")
	c.say(host, "0")
	first, second := c.comes(actor, "first"), c.comes(actor, "second")
	c.say(actor, "1")
	c.leaves(actor, second, "second", func(in *channel.Inbox) { in.Exit("room") })
	c.leaves(actor, first, "first", func(in *channel.Inbox) { c.enter(actor, in, "again") })
	c.leaves(actor, c.comes(actor, "third"), "third", func(in *channel.Inbox) { in.Leave("room") })
	fourth := c.comes(actor, "fourth")
	time.Sleep(time.Second)
	c.leaves(actor, fourth, "fourth", (*channel.Inbox).Close)
	c.say(host, "2")
	c.comes(other, "other")
	if fifth := c.comes(actor, "fifth"); fifth != nil {
		_ = c.try(func(ctx context.Context) error { return host.Kick(ctx, fifth.Name(), parley.ErrFull) })
		defer func() {
			if fifth.Err() != nil { // a kick may be lost, with those who are told of it
				delete(actor.shows, `"fifth"`)
			}
		}()
	}
	time.Sleep(11 * time.Second) // it renews
	c.say(actor, "3")
	c.comes(actor, "last")
	time.Sleep(time.Second)
}

// ends is how the actor ends.
var ends = map[string]func(c *crash, actor *doomed){
	"closes": func(c *crash, actor *doomed) {
		c.try(actor.Close)
		actor.mortal.die()
	},
	"is killed": func(_ *crash, actor *doomed) { actor.mortal.die() },
	"lives":     func(*crash, *doomed) {},
}

// run plays it, and returns how many calls each of the processes has made, and what is
// wrong.
func run(t *testing.T, who, at int, f fate, guests bool, end string) (calls []int, faults []string) {
	synctest.Test(t, func(t *testing.T) {
		c := &crash{t: t, guests: guests, accepted: make(map[string]bool)}
		for i, name := range []string{"host", "other", "actor"} {
			call := 0
			if i == who {
				call = at
			}
			c.start(name, call, f)
		}
		all := c.all()
		c.play(all[0], all[1], all[2])
		ends[end](c, all[2])
		time.Sleep(35 * time.Second) // those who have died are buried
		for _, p := range all {
			calls = append(calls, p.mortal.spare())
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		faults = c.check()
		for _, p := range c.all() {
			_ = p.Close(ctx)
		}
	})
	return calls, faults
}

// check returns what is wrong in the end.
func (c *crash) check() (faults []string) {
	there, faults := c.present()
	for _, o := range c.observers {
		if o.at.mortal.isDead() {
			continue
		}
		o.mu.Lock()
		all := slices.Concat(o.faults, o.presence(there))
		if o.early {
			all = append(all, o.heard(c.accepted)...)
		}
		o.mu.Unlock()
		for _, f := range all {
			faults = append(faults, fmt.Sprintf("%s's %s: %s", o.at.name, o.name, f))
		}
	}
	return faults
}

// present returns the ids of who is there, which is who should be.
func (c *crash) present() (there map[string]bool, faults []string) {
	want := make(map[string]bool)
	var alive *doomed
	for _, p := range c.all() {
		if p.mortal.isDead() {
			continue
		}
		alive = p
		maps.Copy(want, p.shows)
	}
	list, err := alive.Present(ctx, "room")
	there = make(map[string]bool)
	for _, m := range list {
		if there[m.ID] = true; !want[string(m.Show)] {
			faults = append(faults, fmt.Sprintf("%s is there", m.Show))
		}
		delete(want, string(m.Show))
	}
	if err != nil || len(want) > 0 {
		faults = append(faults, fmt.Sprintf("%v are not there, %v", want, err))
	}
	return there, faults
}

func (o *observer) presence(there map[string]bool) (faults []string) {
	for id, count := range o.joined {
		if count > 1 {
			faults = append(faults, fmt.Sprintf("a stay begins %d times", count))
		}
		if o.left[id] == 0 && !there[id] {
			faults = append(faults, "a stay does not end")
		}
	}
	for id := range o.listed {
		if o.left[id] == 0 && !there[id] {
			faults = append(faults, "a stay that was listed does not end")
		}
	}
	for id, count := range o.left {
		if count > 1 || there[id] {
			faults = append(faults, fmt.Sprintf("a stay ends %d times, is there: %v", count, there[id]))
		}
	}
	for id := range there {
		if o.joined[id] == 0 && !o.listed[id] {
			faults = append(faults, "a stay does not begin")
		}
	}
	return faults
}

func (o *observer) heard(accepted map[string]bool) (faults []string) {
	lines := slices.Sorted(slices.Values(o.lines))
	if again := slices.Compact(slices.Clone(lines)); len(again) < len(lines) {
		faults = append(faults, fmt.Sprintf("lines twice: %q", o.lines))
	}
	for line := range accepted {
		if !o.gap && !slices.Contains(lines, line) {
			faults = append(faults, fmt.Sprintf("no line %s: %q", line, o.lines))
		}
	}
	return faults
}

var everyCall = flag.Bool("every-call", false, "have all that can happen happen at every call")

// Whatever happens to a process, its connection or its broker at any call: all who can
// know are told of each stay once, nobody is there who is not, and no line is lost or
// comes twice without a gap. All of it takes half a minute; what is subtle is tried at
// every call, and the rest at some.
func TestE21_AnyCallCanFail(t *testing.T) {
	const some = 41
	turn := 0
	for _, end := range slices.Sorted(maps.Keys(ends)) { // so that it is always the same some
		t.Run(end, func(t *testing.T) {
			calls, faults := run(t, -1, 0, fate{}, false, end)
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			for who, count := range calls {
				for n := range count * len(fates) * 2 {
					at, f, guests := n/2/len(fates)+1, fates[n/2%len(fates)], n%2 == 1
					whole := *everyCall || f.subtle && guests && who == 2 && end == "is killed"
					if turn++; !whole && turn%some != 0 {
						continue
					}
					_, faults := run(t, who, at, f, guests, end)
					for _, fault := range faults {
						t.Errorf("%d's call %d, %s, guests %v: %s", who, at, f.name, guests, fault)
					}
				}
			}
		})
	}
}
