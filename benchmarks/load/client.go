//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Clients are bare sockets that only this process's poller knows. Those of package net
// are in the runtime's poller, too, and who wakes it is the server, which writes.

// clients are sockets to one server.
type clients struct {
	server *process
	poller *poller
	fds    []int
}

// perAddress is how many clients have one address: the ports between it and the server
// must do.
const perAddress = 20_000

// connect opens sockets, and has each of them say hello.
func (p *process) connect(count int, hello func(fd int) error) (*clients, error) {
	c := &clients{server: p}
	for i := range count {
		fd, err := p.dial(byte(2 + i/perAddress))
		if err == nil {
			c.fds = append(c.fds, fd)
			err = hello(fd)
		}
		if err == nil {
			err = unix.SetNonblock(fd, true)
		}
		if err != nil {
			c.close()
			return nil, fmt.Errorf("client %d: %w", i, err)
		}
	}
	return c, nil
}

// poll begins to look at the first count sockets; the others read nothing.
func (c *clients) poll(count int) (err error) {
	c.poller, err = newPoller(c.fds[:count])
	return err
}

var silence = 2 * time.Second // after that nothing more is waited for

// listen reads what comes until all is there, or nothing has come for a while, and returns
// when the last of it came.
func (c *clients) listen(
	there func() bool, read func(i int) error,
) (last time.Time, err error) {
	for last = time.Now(); !there() && time.Since(last) < silence; {
		ready, err := c.poller.wait(100)
		if err != nil {
			return last, err
		}
		for _, i := range ready {
			if err := read(i); err != nil {
				return last, err
			}
		}
		if len(ready) > 0 {
			last = time.Now()
		}
	}
	return last, nil
}

func (p *process) dial(last byte) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	unix.CloseOnExec(fd)
	// Closed with a reset, a socket leaves nothing behind that holds its port.
	unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if last > 2 {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, last}})
	}
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: p.port})
	}
	if err != nil {
		unix.Close(fd)
	}
	return fd, os.NewSyscallError("connect", err)
}

func (c *clients) close() {
	for _, fd := range c.fds {
		unix.Close(fd)
	}
	if c.poller != nil {
		c.poller.close()
	}
}

const handshake = " HTTP/1.1\r\nHost: 127.0.0.1\r\n" +
	"Upgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// upgrade makes a WebSocket of a connection.
func upgrade(fd int) error { return upgradeAt(fd, "/") }

func upgradeAt(fd int, path string) error {
	if _, err := unix.Write(fd, []byte("GET "+path+handshake)); err != nil {
		return err
	}
	head, err := readHead(fd)
	if err == nil && !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
		err = errors.New("the server answers " + string(head))
	}
	return err
}

// readHead reads an answer's head, and nothing behind it.
func readHead(fd int) ([]byte, error) {
	buffer := make([]byte, 4<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buffer, unix.MSG_PEEK)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return nil, err
		case n == 0:
			return nil, io.ErrUnexpectedEOF
		}
		if end := bytes.Index(buffer[:n], []byte("\r\n\r\n")); end >= 0 {
			n, err = unix.Read(fd, buffer[:end+4])
			return buffer[:n], err
		}
	}
}
