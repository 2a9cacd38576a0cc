//go:build unix

package main

import (
	"fmt"
	"time"
)

// scenario is one way to put servers under load.
type scenario struct {
	title   func(*setup) string
	unit    string
	measure func(*setup, variant) (result, error)
	kit     bool // others would wait for one that reads nothing, or take too long
}

var all = map[string]scenario{
	"burst": {func(s *setup) string {
		return fmt.Sprintf("%d messages of %d bytes to %d sockets at once", s.messages, s.size, s.sockets)
	}, "CPU a delivery, µs", func(s *setup, v variant) (result, error) {
		return s.broadcast(v, 0, func(a *audience) error { return a.publish(s.messages) })
	}, false},
	"single": {func(s *setup) string {
		return fmt.Sprintf("one message of %d bytes to %d sockets at a time", s.size, s.sockets)
	}, "CPU a delivery, µs", func(s *setup, v variant) (result, error) {
		return s.broadcast(v, 0, func(a *audience) (err error) {
			for range s.single {
				if err = a.publish(1); err != nil {
					break
				}
			}
			return err
		})
	}, false},
	"flow": {func(s *setup) string {
		return fmt.Sprintf("%d times %d messages of %d bytes to %d sockets",
			bursts, s.messages, s.size, s.sockets)
	}, "CPU a delivery, µs", func(s *setup, v variant) (result, error) {
		return s.broadcast(v, 0, s.flow)
	}, true},
	"stuck": {func(s *setup) string {
		return fmt.Sprintf("%d times %d messages of %d bytes to %d sockets, and one more reads nothing",
			bursts, s.messages, s.size, s.sockets)
	}, "CPU a delivery, µs", func(s *setup, v variant) (result, error) {
		return s.broadcast(v, 1, s.flow)
	}, true},
	"idle": {func(s *setup) string { return fmt.Sprintf("%d sockets that say nothing", s.sockets) },
		"memory of the process a socket, KiB", (*setup).idle, false},
}

// bursts are as many as run over what the kernel holds for one that does not read.
const bursts = 60

func (s *setup) flow(a *audience) (err error) {
	for i := 0; i < bursts && err == nil; i++ {
		err = a.publish(s.messages)
	}
	return err
}

// broadcast measures what the server takes for one load.
func (s *setup) broadcast(v variant, stuck int, load func(*audience) error) (r result, err error) {
	server, err := start(v, s.core)
	if err != nil {
		return r, err
	}
	defer server.stop()
	a, err := server.gather(s.sockets, stuck, s.size)
	if err != nil {
		return r, err
	}
	defer a.leave()
	if err := a.publish(8); err != nil { // so that all is warm
		return r, err
	}
	a.forget()
	busy, cpu, begun := coreTime(s.core), server.ask("cpu"), time.Now()
	if err := load(a); err != nil {
		return r, err
	}
	r.wall = a.last.Sub(begun)
	used := time.Duration(server.ask("cpu") - cpu)
	r.cost = float64(used.Nanoseconds()) / 1000 / float64(a.heard)
	r.lost, r.amiss = a.wanted-a.heard, a.amiss
	if here := server.ask("members"); stuck > 0 && here != int64(s.sockets-a.gone) {
		return r, fmt.Errorf("%d members are left, one that reads nothing among them", here)
	}
	r.foreign = max(0, (coreTime(s.core)-busy-used).Seconds()/time.Since(begun).Seconds())
	return r, server.err
}

func (s *setup) idle(v variant) (r result, err error) {
	server, err := start(v, s.core)
	if err != nil {
		return r, err
	}
	defer server.stop()
	warm, err := server.gather(1, 0, s.size)
	if err != nil {
		return r, err
	}
	defer warm.leave()
	before := server.ask("memory")
	a, err := server.gather(s.sockets, 0, s.size)
	if err != nil {
		return r, err
	}
	defer a.leave()
	if err := a.publish(1); err != nil { // what the first one leaves behind counts
		return r, err
	}
	r.cost = float64(server.ask("memory")-before) / 1024 / float64(s.sockets)
	return r, server.err
}
