//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"net"
	"net/http"
	"sync"
)

// crowd is the least that a server can do: it knows frames and connections, and
// nothing of readers that are slow. All that was published while it wrote leaves in
// the next write.
type crowd struct {
	mu    sync.Mutex
	conns []net.Conn
	log   []byte
	more  chan struct{}
}

func floor() server {
	c := &crowd{more: make(chan struct{}, 1)}
	go c.write()
	return server{
		handler: http.HandlerFunc(c.accept), publish: c.publish,
		members: func() int { c.mu.Lock(); defer c.mu.Unlock(); return len(c.conns) },
	}
}

func (c *crowd) accept(w http.ResponseWriter, r *http.Request) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	response := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n" // to the key that clients send
	conn.Write([]byte(response))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conn)
	go func(r *bufio.Reader) { // until the client is gone
		r.Reset(conn)
		r.ReadByte()
		conn.Close()
	}(buffered.Reader)
}

func (c *crowd) publish(data []byte) {
	c.mu.Lock()
	c.log = append(c.log, frameOf(data)...)
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

// frameOf is a text message in one frame, as all servers send it.
func frameOf(data []byte) []byte {
	var b bytes.Buffer
	b.WriteByte(0x81)
	switch n := len(data); {
	case n <= 125:
		b.WriteByte(byte(n))
	case n <= 0xffff:
		b.WriteByte(126)
		binary.Write(&b, binary.BigEndian, uint16(n))
	default:
		b.WriteByte(127)
		binary.Write(&b, binary.BigEndian, uint64(n))
	}
	b.Write(data)
	return b.Bytes()
}
