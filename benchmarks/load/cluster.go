//go:build unix

package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// pair is two servers on one broker. Clients are the members' server's, and the publisher is
// on another core, with the broker and the clients.
type pair struct{ broker, publisher, members *process }

// paired runs two servers, or the members' alone, for as long as use does.
func (s *setup) paired(r row, alone bool, use func(*pair) (result, error)) (m result, err error) {
	p := new(pair)
	defer p.stop()
	if err = s.startPair(p, r, alone); err == nil {
		m, err = use(p)
	}
	return m, cmp.Or(err, p.err())
}

func (s *setup) startPair(p *pair, r row, alone bool) (err error) {
	other := (s.core + 1) % runtime.NumCPU()
	addresses := []string{"", ""}
	if r.broker == "embedded" {
		a, b := freeAddress(), freeAddress()
		addresses = []string{a + "," + b, b + "," + a}
	} else {
		kind := "broker/" + r.broker
		if p.broker, err = start(s.command(row{}), kind, other); err != nil {
			return err
		}
		addresses[0] = fmt.Sprint("127.0.0.1:", p.broker.port)
		addresses[1] = addresses[0]
	}
	p.members, err = start(s.command(r), r.kind, s.core, brokerVariable+"="+addresses[0])
	if err == nil && !alone {
		p.publisher, err = start(s.command(r), r.kind, other, brokerVariable+"="+addresses[1])
	}
	return err
}

func freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (p *pair) all() []*process {
	all := []*process{p.publisher, p.members, p.broker}
	return slices.DeleteFunc(all, func(one *process) bool { return one == nil })
}

func (p *pair) stop() {
	for _, one := range p.all() {
		one.stop()
	}
}

func (p *pair) err() (err error) {
	for _, one := range p.all() {
		err = cmp.Or(err, one.err)
	}
	return err
}

// gather makes members who hear the publisher, and returns when they do.
func (p *pair) gather(count, size int) (*audience, error) {
	a, err := p.members.gather(count, 0, size, 1)
	if err != nil {
		return nil, err
	}
	a.publisher = p.publisher
	for range 10 {
		a.forget()
		if err = a.publish(2); err == nil && a.heard < a.wanted { // not all brokers know at once
			err = errors.New("members do not hear the publisher")
			continue
		}
		break
	}
	if err != nil {
		a.close()
		return nil, err
	}
	a.forget()
	return a, nil
}

// burst measures messages at once to all members on the other server.
func (s *setup) burst(r row) (result, error) {
	return s.paired(r, false, func(p *pair) (m result, err error) {
		a, err := p.gather(s.of(1000, 20), s.size)
		if err != nil {
			return m, err
		}
		defer a.close()
		const most = 5
		meter, cpu := s.meter(p.members), p.publisher.ask("cpu")
		began, bursts, messages := time.Now(), 0, s.of(r.n, 5)
		for ; bursts == 0 || bursts < most && time.Since(began) < s.enough; bursts++ {
			if err := a.publish(messages); err != nil {
				return m, err
			}
		}
		rate := float64(a.heard) / 1000 / a.last.Sub(began).Seconds()
		m.values = append(m.values, rate)
		meter.each(&m, a.heard)
		published := float64(p.publisher.ask("cpu")-cpu) / 1000 / float64(bursts*messages)
		m.values = append(m.values, published, float64(messages))
		m.lost, m.amiss = a.wanted-a.heard, a.amiss
		return m, nil
	})
}

// account is what a publisher's messages have cost it, and Redis.
type account struct{ cpu, publishes, commands, reads int }

func (p *pair) account() account {
	return account{p.publisher.ask("cpu"), p.broker.ask("publishes"), p.broker.ask("commands"),
		p.broker.ask("reads")}
}

// each adds what each of so many messages has cost.
func (before account) each(p *pair, m *result, messages int) {
	now, n := p.account(), float64(messages)
	m.values = append(m.values, float64(now.cpu-before.cpu)/1000/n,
		float64(now.publishes-before.publishes)/n, float64(now.commands-before.commands)/n,
		float64(now.reads-before.reads)/n)
}

// groupSends measures what a send costs the publisher and the broker.
func (s *setup) groupSends(r row) (result, error) {
	return s.paired(r, false, func(p *pair) (m result, err error) {
		a, err := p.gather(r.n, s.size)
		if err != nil {
			return m, err
		}
		defer a.close()
		messages, before := s.of(2000, 50), p.account()
		if err := a.publish(messages); err != nil {
			return m, err
		}
		before.each(p, &m, messages)
		m.lost, m.amiss = a.wanted-a.heard, a.amiss
		return m, nil
	})
}

// resume measures what it costs to publish to a group that is kept, and how long a
// client that comes back takes to get what it has missed.
func (s *setup) resume(r row) (result, error) {
	return s.paired(r, false, func(p *pair) (m result, err error) {
		position, err := p.members.position()
		if err != nil {
			return m, err
		}
		before := p.account()
		p.publisher.ask("publish %d %d 1", r.n, s.size)
		before.each(p, &m, r.n)
		m.values = slices.Delete(m.values, 1, 2) // scripts publish
		var took []float64
		for range s.of(15, 2) {
			once, err := p.members.comeBack(position, r.n, s.size)
			if err != nil {
				return m, err
			}
			took = append(took, float64(once.Microseconds())/1000)
		}
		slices.Sort(took)
		m.values = slices.Insert(m.values, 0, took[len(took)/2])
		return m, nil
	})
}

// position is where the members' group is, as a client is told.
func (p *process) position() (string, error) {
	c, err := p.connect(1, upgrade)
	if err != nil {
		return "", err
	}
	defer c.close()
	if err := unix.SetNonblock(c.fds[0], false); err != nil {
		return "", err
	}
	frame := make([]byte, 4<<10)
	n, err := unix.Read(c.fds[0], frame)
	_, rest, found := strings.Cut(string(frame[:max(n, 0)]), `"position":"`)
	position, _, closed := strings.Cut(rest, `"`)
	if err == nil && (!found || !closed) {
		err = fmt.Errorf("a client is told %q", frame[:max(n, 0)])
	}
	return position, err
}

// comeBack connects a client that has heard all up to a position, and returns when it has
// what was sent since.
func (p *process) comeBack(position string, missed, size int) (time.Duration, error) {
	resume := url.QueryEscape(`{"all":"` + position + `"}`)
	began := time.Now()
	c, err := p.connect(1, func(fd int) error { return upgradeAt(fd, "/?parley-resume="+resume) })
	if err != nil {
		return 0, err
	}
	defer c.close()
	a, err := p.listeners(c, 1, size, 1)
	if err != nil {
		return 0, err
	}
	last, err := a.listen(func() bool { return a.heard >= missed }, a.read)
	if err == nil && (a.heard != missed || a.amiss > 0) {
		err = fmt.Errorf("%d of %d missed messages came, %d out of order", a.heard, missed, a.amiss)
	}
	return last.Sub(began), err
}

// idleGroups measures the memory of groups that nobody sends to, and how long it takes
// until all members have been told that a connection broke and is there again.
func (s *setup) idleGroups(r row) (result, error) {
	return s.paired(r, true, func(p *pair) (m result, err error) {
		p.members.ask("collect")
		before := p.members.ask("memory")
		p.members.ask("prepare %d", r.n)
		p.members.ask("collect")
		grown := p.members.ask("memory") - before
		began := time.Now()
		p.broker.ask("interrupt")
		p.members.ask("told %d", r.n)
		again := time.Since(began)
		m.values = append(m.values, float64(grown)/1024/float64(r.n), again.Seconds())
		return m, nil
	})
}

// presence measures how much a broker is asked while members are just there: scripts,
// which are presence, and all. Nothing is asked together with something else then, so
// what Redis reads are commands.
func (s *setup) presence(r row) (result, error) {
	return s.paired(r, true, func(p *pair) (m result, err error) {
		p.members.ask("prepare %d", r.n)
		while := time.Duration(s.of(20_000, 1000)) * time.Millisecond // two renewals
		time.Sleep(while / 10)
		scripts, reads := p.broker.ask("scripts"), p.broker.ask("reads")
		cpu, began := p.members.ask("cpu"), time.Now()
		time.Sleep(while)
		seconds := time.Since(began).Seconds()
		reads, scripts = p.broker.ask("reads")-reads, p.broker.ask("scripts")-scripts
		m.values = append(m.values, float64(scripts)/seconds, float64(reads)/seconds,
			float64(p.members.ask("cpu")-cpu)/1e6/seconds)
		return m, nil
	})
}
