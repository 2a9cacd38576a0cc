//go:build unix && !linux

package main

import "golang.org/x/sys/unix"

// poller tells which of some sockets have something to read.
type poller struct {
	polled []unix.PollFd
	ready  []int
}

func newPoller(fds []int) (*poller, error) {
	p := new(poller)
	for _, fd := range fds {
		p.polled = append(p.polled, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	return p, nil
}

// wait returns the places of sockets that are ready, none if there is none for a while.
func (p *poller) wait(milliseconds int) ([]int, error) {
	n, err := unix.Poll(p.polled, milliseconds)
	if err == unix.EINTR {
		n, err = 0, nil
	}
	p.ready = p.ready[:0]
	for i := 0; i < len(p.polled) && len(p.ready) < n; i++ {
		if p.polled[i].Revents != 0 {
			p.ready = append(p.ready, i)
		}
	}
	return p.ready, err
}

// forget has a socket never be ready again.
func (p *poller) forget(i int) { p.polled[i].Fd = -1 }

func (p *poller) close() {}
