//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// audience is the clients of one server. All frames have one size, so that a look at
// the first and at the last of what one read brings is enough.
type audience struct {
	server  *process
	conns   []net.Conn
	polled  []unix.PollFd // without those that are stuck
	members []member
	size    int // of a message
	frame   int
	buffer  []byte

	heard, wanted, amiss int
	gone, missed         int       // members that the server has closed, and what they did not hear
	last                 time.Time // when something was heard
}

type member struct {
	bytes int // received
	next  int // the number of the message to come
	heard int // messages
}

func (p *process) gather(count, stuck, size int) (*audience, error) {
	a := &audience{
		server: p, members: make([]member, count), size: size, buffer: make([]byte, 1<<20),
		frame: len(frameOf(make([]byte, size))),
	}
	for i := range count + stuck {
		conn, err := p.dial()
		if err != nil {
			a.leave()
			return nil, err
		}
		a.conns = append(a.conns, conn)
		if i < count {
			raw, _ := conn.(*net.TCPConn).SyscallConn()
			raw.Control(func(fd uintptr) {
				a.polled = append(a.polled, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
			})
		}
	}
	for p.ask("members") < int64(count+stuck) {
		time.Sleep(time.Millisecond)
	}
	return a, p.err
}

func (p *process) dial() (net.Conn, error) {
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", p.addr)
	var head []byte
	one := make([]byte, 1)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		if _, err := io.ReadFull(conn, one); err != nil {
			conn.Close()
			return nil, err
		}
		head = append(head, one...)
	}
	return conn, nil
}

func (a *audience) leave() {
	for _, conn := range a.conns {
		conn.Close()
	}
}

// publish has the server send count messages, and returns when all have come or none
// has for a while.
func (a *audience) publish(count int) error {
	const silence = 2 * time.Second
	a.wanted += count * len(a.members)
	a.missed += count * a.gone
	a.server.tell("publish %d %d", count, a.size)
	for a.last = time.Now(); a.heard+a.missed < a.wanted && time.Since(a.last) < silence; {
		n, err := unix.Poll(a.polled, 100)
		if err != nil && err != syscall.EINTR {
			return err
		}
		for i := 0; n > 0 && i < len(a.polled); i++ {
			if a.polled[i].Revents == 0 {
				continue
			}
			n--
			if err := a.read(i); err != nil {
				return err
			}
		}
	}
	a.server.hear()
	return a.server.err
}

// read reads once, and counts.
func (a *audience) read(i int) error {
	n, err := syscall.Read(int(a.polled[i].Fd), a.buffer)
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return nil
	case err != nil && err != syscall.ECONNRESET:
		return err
	case n <= 0:
		a.polled[i].Fd = -1
		a.missed += a.wanted/len(a.members) - a.members[i].heard
		a.gone++
		return nil
	}
	m := &a.members[i]
	before := m.bytes / a.frame
	first := (a.frame - m.bytes%a.frame) % a.frame
	m.bytes += n
	count := m.bytes/a.frame - before // of frames that end here
	a.heard, m.heard = a.heard+count, m.heard+count
	a.last = time.Now()
	if whole := (n - first) / a.frame; whole > 0 {
		from, to := a.number(first), a.number(first+(whole-1)*a.frame)
		if from < m.next || to < from+whole-1 {
			a.amiss++
		}
		m.next = to + 1
	}
	return nil
}

// forget begins the counts anew.
func (a *audience) forget() {
	a.heard, a.wanted, a.missed, a.amiss = 0, 0, 0, 0
	for i := range a.members {
		a.members[i].heard = 0
	}
}

// number reads the number of the message whose frame begins at i.
func (a *audience) number(i int) int {
	head := a.frame - a.size
	number, _ := strconv.Atoi(string(a.buffer[i+head : i+head+digits]))
	return number
}
