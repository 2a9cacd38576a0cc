//go:build unix

package main

import (
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// meter is the account of a server from some moment on.
type meter struct {
	core      int
	p         *process
	busy, cpu time.Duration
	begun     time.Time
}

func (s *setup) meter(p *process) meter {
	return meter{
		core: s.core, p: p, busy: coreTime(s.core), cpu: time.Duration(p.ask("cpu")), begun: time.Now(),
	}
}

// each fills in what each of so many operations cost the server, in µs, and what others
// took of the core.
func (m meter) each(r *result, operations int) {
	used, wall := time.Duration(m.p.ask("cpu"))-m.cpu, time.Since(m.begun)
	r.values = append(r.values, float64(used.Nanoseconds())/1000/float64(max(1, operations)))
	r.foreign = max(0, (coreTime(m.core)-m.busy-used).Seconds()/wall.Seconds())
	r.slight = wall < 10*tick
}

// command is the program that a row's server is.
func (s *setup) command(r row) *exec.Cmd {
	switch {
	case strings.HasPrefix(r.kind, "channels/"):
		return exec.Command(program(needed["channels"]...), "-c", channelsServer)
	case r.path != "":
		return exec.Command(r.path)
	}
	return exec.Command(s.path)
}

// serving runs a server for as long as use does.
func (s *setup) serving(r row, use func(*process) (result, error)) (result, error) {
	p, err := start(s.command(r), r.kind, s.core)
	if err != nil {
		return result{}, err
	}
	defer p.stop()
	measured, err := use(p)
	if err == nil {
		err = p.err
	}
	return measured, err
}

// request has 64 connections ask the API's questions, or wrk one of them where it is
// installed.
func (s *setup) request(r row) (result, error) {
	return s.serving(r, func(p *process) (m result, err error) {
		questions, err := p.learn()
		if err != nil {
			return m, err
		}
		if s.wrk != "" {
			return s.throughWrk(p)
		}
		c, err := p.connect(s.of(64, 4), func(int) error { return nil })
		if err != nil {
			return m, err
		}
		return s.asking(c, questions, s.of(500, 10))
	})
}

// echo has 1000 sockets say something of some size.
func (s *setup) echo(r row, size int) (result, error) {
	return s.serving(r, func(p *process) (m result, err error) {
		c, err := p.connect(s.of(1000, 20), upgrade)
		if err != nil {
			return m, err
		}
		return s.asking(c, echoed(size), s.of(25, 5))
	})
}

// asking measures an answer, and closes the clients.
func (s *setup) asking(c *clients, questions []asked, each int) (m result, err error) {
	defer c.close()
	a, err := c.askers(questions)
	if err != nil {
		return m, err
	}
	if err := a.ask(max(2, each/10)); err != nil { // so that all is warm
		return m, err
	}
	a.answered, a.amiss = 0, 0
	meter := s.meter(c.server)
	if err := a.ask(each); err != nil {
		return m, err
	}
	meter.each(&m, a.answered)
	if m.lost, m.amiss = each*len(c.fds)-a.answered, a.amiss; m.lost+m.amiss > 0 {
		err = fmt.Errorf("%d answers are missing and %d are wrong", m.lost, m.amiss)
	}
	return m, err
}

// worker measures operations in process, so many or so few.
func worker(many, few int) func(*setup, row) (result, error) {
	return func(s *setup, r row) (result, error) {
		return s.serving(r, func(p *process) (m result, _ error) {
			n := s.of(many, few)
			p.ask("work %d", n/10)
			before, meter := p.ask("allocations"), s.meter(p)
			p.ask("work %d", n)
			meter.each(&m, n)
			m.values = append(m.values, float64(p.ask("allocations")-before)/float64(n))
			return m, nil
		})
	}
}

func (s *setup) groups(r row) (result, error) {
	return s.serving(r, func(p *process) (m result, _ error) {
		p.ask("collect")
		before := p.ask("memory")
		p.ask("prepare %d", r.n)
		p.ask("collect")
		grown := p.ask("memory") - before
		n := s.of(500_000, 1000)
		p.ask("work %d", n/10)
		meter := s.meter(p)
		p.ask("work %d", n)
		meter.each(&m, n)
		m.values = append(m.values, float64(grown)/1024/float64(r.n))
		return m, nil
	})
}

// idle measures the memory of sockets that say nothing, at many numbers of them: what each
// takes falls with a collection, and grows until the next one, which comes with a third
// more of them.
func (s *setup) idle(r row) (result, error) {
	return s.serving(r, func(p *process) (m result, _ error) {
		all := &clients{server: p}
		defer all.close()
		come := func(more int) error {
			c, err := p.connect(more, upgrade)
			if err == nil {
				all.fds = append(all.fds, c.fds...)
				time.Sleep(time.Duration(s.of(100, 10)) * time.Millisecond) // until they are idle
			}
			return err
		}
		warm := 10 // what the first ones leave behind counts once
		if err := come(warm); err != nil {
			return m, err
		}
		p.ask("collect")
		before := p.ask("memory")
		each := func() float64 {
			return float64(p.ask("memory")-before) / 1024 / float64(len(all.fds)-warm)
		}
		first, sum, times := s.of(4000, 40), 0.0, 0
		for more := first; len(all.fds) < warm+2*first; more = first / 8 {
			if err := come(more); err != nil {
				return m, err
			}
			sum, times = sum+each(), times+1
		}
		p.ask("collect")
		m.values, m.slight = append(m.values, sum/float64(times), each()), true
		return m, nil
	})
}
