//go:build unix

package main

import (
	"fmt"
	"time"
)

// crowdLoad is how a group is sent to: messages at once, and that once or, one after
// the other, several times.
type crowdLoad struct{ sockets, messages, times, stuck, publishers int }

// broadcast measures a delivery.
func (s *setup) broadcast(r row, load crowdLoad) (result, error) {
	return s.serving(r, func(p *process) (result, error) {
		a, err := p.gather(load.sockets, load.stuck, s.size, load.publishers)
		if err != nil {
			return result{}, err
		}
		defer a.close()
		return s.deliveries(a, load)
	})
}

// deliveries measures the load, or several of it where it takes no time.
func (s *setup) deliveries(a *audience, load crowdLoad) (m result, err error) {
	if err := a.publish(2 * load.publishers); err != nil { // so that all is warm
		return m, err
	}
	a.forget()
	meter := s.meter(a.server)
	const most = 5
	began, loads, times := time.Now(), 0, max(1, load.times)
	for ; loads == 0 || loads < most && time.Since(began) < s.enough; loads++ {
		for range times {
			if err := a.publish(load.messages); err != nil {
				return m, err
			}
		}
	}
	wall := a.last.Sub(began)
	meter.each(&m, a.heard)
	m.values = append(m.values, float64(wall.Microseconds())/1000/float64(loads*times))
	m.lost, m.amiss = a.wanted-a.heard, a.amiss
	return m, a.server.err
}

// slow measures a group with members that read nothing, and what becomes of these. It
// takes more messages than the kernel holds for them.
func (s *setup) slow(r row) (result, error) {
	const bursts = 60
	load := crowdLoad{sockets: s.of(1000, 3), messages: 600, stuck: r.n, publishers: 1}
	return s.serving(r, func(p *process) (m result, err error) {
		a, err := p.gather(load.sockets, load.stuck, s.size, load.publishers)
		if err != nil {
			return m, err
		}
		defer a.close()
		if err := a.publish(load.messages); err != nil { // so that all is warm
			return m, err
		}
		a.forget()
		memory, meter, began := p.ask("memory"), s.meter(p), time.Now()
		for range bursts {
			if err := a.publish(load.messages); err != nil {
				return m, err
			}
		}
		wall := a.last.Sub(began)
		meter.each(&m, a.heard)
		closed := load.sockets + load.stuck - p.ask("members")
		m.values = append(m.values, float64(wall.Microseconds())/1000,
			float64(p.ask("memory")-memory)/(1<<20), float64(closed), float64(p.ask("dropped")))
		if m.lost, m.amiss = a.wanted-a.heard, a.amiss; closed != load.stuck {
			err = fmt.Errorf("%d members were closed and %d read nothing", closed, load.stuck)
		}
		return m, err
	})
}
