package main

import "golang.org/x/sys/unix"

// poller tells which of some sockets have something to read.
type poller struct {
	epoll  int
	fds    []int
	events [512]unix.EpollEvent
	ready  []int
}

func newPoller(fds []int) (*poller, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	p := &poller{epoll: epoll, fds: fds}
	for i, fd := range fds {
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)} // comes back as it is
		if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// wait returns the places of sockets that are ready, none if there is none for a while.
func (p *poller) wait(milliseconds int) ([]int, error) {
	n, err := unix.EpollWait(p.epoll, p.events[:], milliseconds)
	if err == unix.EINTR {
		n, err = 0, nil
	}
	p.ready = p.ready[:0]
	for _, event := range p.events[:max(0, n)] {
		p.ready = append(p.ready, int(event.Fd))
	}
	return p.ready, err
}

// forget has a socket never be ready again.
func (p *poller) forget(i int) { unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, p.fds[i], nil) }

func (p *poller) close() { unix.Close(p.epoll) }
