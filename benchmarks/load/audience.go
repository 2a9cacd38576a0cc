//go:build unix

package main

import (
	"bytes"
	"io"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// audience is the clients of a broadcast, which look for the mark and the number of
// each message, however it is framed.
type audience struct {
	*clients
	publisher  *process // the server, unless there is another one
	members    []member
	next       []int // the number that each member waits for, of each publisher
	publishers int
	size       int // of a message
	buffer     []byte

	heard, wanted, amiss int
	gone, missed         int       // members that the server has closed, and what they did not hear
	last                 time.Time // when something was heard
}

type member struct {
	heard int
	tail  [mark]byte // of what was read: it may be the begin of a mark
	kept  int
}

const (
	mark    = 1 + digits        // bytes: "@" and a number
	patient = 100 * time.Second // to wait for clients to be known
)

// gather makes members of the group, and beside them some that read nothing.
func (p *process) gather(count, stuck, size, publishers int) (*audience, error) {
	hello := upgrade
	if strings.HasSuffix(p.kind, "centrifuge") {
		hello = subscribe
	}
	c, err := p.connect(count+stuck, hello)
	if err != nil {
		return nil, err
	}
	a, err := p.listeners(c, count, size, publishers)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	for p.ask("members") < count+stuck && time.Since(begun) < patient {
		time.Sleep(time.Millisecond)
	}
	return a, p.err
}

// listeners looks at the first count of some clients, and closes them if it cannot.
func (p *process) listeners(c *clients, count, size, publishers int) (*audience, error) {
	a := &audience{
		clients: c, publisher: p, members: make([]member, count), next: make([]int, count*publishers),
		publishers: publishers, size: size, buffer: make([]byte, 1<<20),
	}
	err := c.poll(count)
	if err != nil {
		c.close()
	}
	return a, err
}

// subscribe says what clients of centrifuge say first.
func subscribe(fd int) error {
	err := upgrade(fd)
	if err == nil {
		const command = `{"id":1,"connect":{}}`
		frame := append([]byte{textFrame, 0x80 | byte(len(command)), 0, 0, 0, 0}, command...)
		_, err = unix.Write(fd, frame)
	}
	return err
}

// publish has the publisher send count messages, and returns when all have come or none
// has for a while.
func (a *audience) publish(count int) (err error) {
	a.wanted += count * len(a.members)
	a.missed += count * a.gone
	a.publisher.tell("publish %d %d %d", count, a.size, a.publishers)
	a.last, err = a.listen(func() bool { return a.heard+a.missed >= a.wanted }, a.read)
	if err != nil {
		return err
	}
	a.publisher.hear()
	return a.publisher.err
}

// read reads once.
func (a *audience) read(i int) error {
	m := &a.members[i]
	kept := copy(a.buffer, m.tail[:m.kept])
	n, err := unix.Read(a.fds[i], a.buffer[kept:])
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return nil
	case err != nil && err != unix.ECONNRESET:
		return err
	case n <= 0:
		a.poller.forget(i)
		a.missed += a.wanted/len(a.members) - m.heard
		a.gone++
		if a.gone == len(a.members) {
			return io.ErrUnexpectedEOF
		}
		return nil
	}
	rest := a.count(i, a.buffer[:kept+n])
	m.kept = copy(m.tail[:], rest)
	return nil
}

// count looks at all messages in b, and returns what may be a part of one more mark.
func (a *audience) count(i int, b []byte) (rest []byte) {
	next := a.next[i*a.publishers : (i+1)*a.publishers]
	for {
		at := bytes.IndexByte(b, '@')
		if at < 0 {
			return nil
		}
		if b = b[at:]; len(b) < mark {
			return b
		}
		number := 0
		for _, digit := range b[1:mark] {
			number = 10*number + int(digit-'0')
		}
		b = b[mark:]
		publisher := min(number/apart, a.publishers-1)
		number -= publisher * apart
		if number < next[publisher] { // a gap is no disorder: what is missing is lost
			a.amiss++
		}
		next[publisher] = number + 1
		a.heard++
		a.members[i].heard++
	}
}

// forget begins the counts anew.
func (a *audience) forget() {
	a.heard, a.wanted, a.missed, a.amiss = 0, 0, 0, 0
	for i := range a.members {
		a.members[i].heard = 0
	}
}
