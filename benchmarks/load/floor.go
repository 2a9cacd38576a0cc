//go:build unix

package main

import (
	"bufio"
	"encoding/binary"
	"net"
	"net/http"
	"sync"
	"syscall"
)

// The floor is the least that a server can do: it knows frames and connections, and
// nothing of readers that are slow, of limits, or of how conversations end.

// takeOver makes a connection of a handshake.
func takeOver(w http.ResponseWriter) (net.Conn, *bufio.Reader, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	_, err = conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
		"Connection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")) // to the key that clients send
	return conn, buffered.Reader, err
}

// crowd writes all that was published while it wrote in the next write.
type crowd struct {
	roster[net.Conn]
	log  []byte
	more chan struct{}
}

func floorCrowd() server {
	c := &crowd{more: make(chan struct{}, 1)}
	go c.write()
	return server{handler: http.HandlerFunc(c.accept), publish: c.publish, members: c.len}
}

func (c *crowd) accept(w http.ResponseWriter, _ *http.Request) {
	conn, r, err := takeOver(w)
	if err != nil {
		return
	}
	c.add(conn)
	go func() { // until the client is gone
		r.Reset(conn)
		r.ReadByte()
		conn.Close()
	}()
}

func (c *crowd) publish(data []byte) {
	c.mu.Lock()
	c.log = append(frameHead(c.log, textFrame, len(data)), data...)
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default:
	}
}

func (c *crowd) write() {
	for range c.more {
		c.mu.Lock()
		log, conns := c.log, c.conns
		c.log = nil
		c.mu.Unlock()
		for _, conn := range conns {
			conn.Write(log)
		}
	}
}

const (
	textFrame   = 0x81
	binaryFrame = 0x82
)

// frameHead appends the head of a frame that no mask is put on.
func frameHead(b []byte, first byte, size int) []byte {
	switch b = append(b, first); {
	case size <= 125:
		return append(b, byte(size))
	case size <= 0xffff:
		return binary.BigEndian.AppendUint16(append(b, 126), uint16(size))
	default:
		return binary.BigEndian.AppendUint64(append(b, 127), uint64(size))
	}
}

// scratch are buffers for those who have something to read.
var scratch = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// floorEcho has no buffer while it waits, and echoes frames in the place where they
// were read.
func floorEcho() server {
	return server{handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := takeOver(w); err == nil {
			go echoFrames(conn.(*net.TCPConn))
		}
	})}
}

func echoFrames(conn *net.TCPConn) {
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	var buffer *[64 << 10]byte
	n := 0
	read := func(fd uintptr) bool {
		buffer = scratch.Get().(*[64 << 10]byte)
		if n, err = syscall.Read(int(fd), buffer[:]); err == syscall.EAGAIN {
			scratch.Put(buffer)
			return false
		}
		return true
	}
	for raw.Read(read) == nil && n > 0 {
		for n < frameSize(buffer[:n]) { // a part has come
			more, err := conn.Read(buffer[n:])
			if n += more; err != nil {
				return
			}
		}
		if _, err := conn.Write(unmask(buffer[:n])); err != nil {
			return
		}
		scratch.Put(buffer)
	}
}

// frameSize is how long a frame of a client is, as far as its head has come.
func frameSize(b []byte) int {
	const mask = 4
	switch {
	case len(b) < 2:
		return 2
	case b[1]&0x7f < 126:
		return 2 + mask + int(b[1]&0x7f)
	case len(b) < 4:
		return 4
	}
	return 4 + mask + int(binary.BigEndian.Uint16(b[2:])) // longer ones do not come
}

// unmask makes a server's frame of a client's.
func unmask(b []byte) []byte {
	head := 2
	if b[1]&0x7f == 126 {
		head = 4
	}
	const mask = 4
	key := uint64(binary.LittleEndian.Uint32(b[head:]))
	key |= key << 32
	b[1] &= 0x7f
	copy(b[mask:], b[:head])
	b = b[mask:]
	data := b[head:]
	for len(data) >= 8 {
		binary.LittleEndian.PutUint64(data, binary.LittleEndian.Uint64(data)^key)
		data = data[8:]
	}
	for i := range data {
		data[i] ^= byte(key >> (8 * i))
	}
	return b
}
