package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
)

// countingConn counts writes.
type countingConn struct {
	net.Conn
	writes atomic.Int64
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// 600 queued messages leave in far fewer writes than messages, and none is lost.
func TestQueuedMessagesAreJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		defer client.Close()
		counting := &countingConn{Conn: server}
		c, _ := started(t, counting, parley.SocketOptions{QueueMessages: 600})
		const count = 600
		for range count {
			if err := c.Offer(parley.Text(strings.Repeat("m", 120))); err != nil {
				t.Fatal(err)
			}
		}
		received := make([]byte, count*122)
		if _, err := io.ReadFull(client, received); err != nil {
			t.Fatal(err)
		}
		if writes := counting.writes.Load(); writes > 3 {
			t.Errorf("%d messages left in %d writes", count, writes)
		}
	})
}

// Pings of a peer that does not read are answered, all of a few and of many at least
// the last, ahead of messages.
func TestPongsThatWait(t *testing.T) {
	for name, row := range map[string]struct{ pings, least, most int }{
		"a few": {10, 10, 10}, "many": {1000, 1, maxWaitingControls / 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, ctx, p := overPipe(t, parley.SocketOptions{})
				go c.Read(ctx)
				for range 2 {
					c.Offer(parley.Text("m"))
					synctest.Wait() // the first is being written
				}
				for i := range row.pings {
					p.send(0x89, fmt.Sprint(i))
				}
				synctest.Wait() // the last was read
				p.expect(finBit|opText, "m")
				count, last := 0, ""
				first, payload := p.frame()
				for ; first == finBit|opPong; first, payload = p.frame() {
					count, last = count+1, payload
				}
				if count < row.least || count > row.most || last != fmt.Sprint(row.pings-1) {
					t.Errorf("%d pongs, the last %q", count, last)
				}
				if first != finBit|opText || payload != "m" {
					t.Errorf("then frame %#x %q", first, payload)
				}
			})
		})
	}
}

func TestOrderOfConcurrentSenders(t *testing.T) {
	c, ctx, p := overTCP(t, parley.SocketOptions{QueueMessages: 4})
	const senders, each = 8, 500
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			for i := range each {
				message := parley.Binary([]byte{byte(s), byte(i >> 8), byte(i)})
				if i%3 == 0 && c.Offer(message) == nil { // else there was no room
					continue
				}
				if err := c.Write(ctx, message); err != nil {
					t.Errorf("Write: %v", err)
				}
			}
		})
	}
	var next [senders]int
	for range senders * each {
		_, payload := p.frame()
		s, i := payload[0], int(payload[1])<<8|int(payload[2])
		if i != next[s] {
			t.Fatalf("sender %d: message %d came, want %d", s, i, next[s])
		}
		next[s]++
	}
	all.Wait()
}

// A peer that takes nothing costs a bounded queue, holds its sender back, and is
// cut in the end.
func TestPeerThatNeverReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx, _ := overPipe(t, parley.SocketOptions{QueueMessages: 3, WriteTimeout: 10 * time.Second})
		accepted := 0
		start := time.Now()
		var err error
		for err == nil {
			own, cancel := context.WithCancel(ctx) // so that no write is the sender's own
			err = c.Write(own, parley.Text("m"))
			cancel()
			accepted++
		}
		if !errors.Is(err, parley.ErrSlowConsumer) && !errors.Is(err, parley.ErrDisconnected) {
			t.Errorf("Write: %v", err)
		}
		if waited := time.Since(start); waited != 10*time.Second || accepted > 5 {
			t.Errorf("%d messages taken, error after %v", accepted, waited)
		}
		<-c.Gone()
		if cause := context.Cause(ctx); cause != parley.ErrSlowConsumer {
			t.Errorf("cause %v", cause)
		}
	})
}

func TestWriteUnderItsOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx, p := overPipe(t, parley.SocketOptions{QueueMessages: 1})
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		var err error
		sent := 0
		for ; err == nil; sent++ {
			err = c.Write(short, parley.Text("m"))
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Write: %v", err)
		}
		for range sent - 1 { // what was taken arrives whole
			p.expect(finBit|opText, "m")
		}
	})
}

// What is offered is written soon, also after pauses.
func TestOffersAreWritten(t *testing.T) {
	c, _, p := overTCP(t, parley.SocketOptions{})
	for i := range 20 {
		if err := c.Offer(parley.Text(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		p.expect(finBit|opText, fmt.Sprint(i))
		time.Sleep(time.Duration(i%3) * shortPace)
	}
}

func TestOfferNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, p := overPipe(t, parley.SocketOptions{QueueMessages: 2})
		taken := 0
		for ; c.Offer(parley.Text("m")) == nil; taken++ {
			synctest.Wait()
		}
		if err := c.Offer(parley.Text("m")); err != parley.ErrFull {
			t.Errorf("Offer: %v", err)
		}
		for range taken {
			p.expect(finBit|opText, "m")
		}
	})
}

// As many messages wait as may, what is being written among them; and as many again
// when they are through.
func TestQueueHoldsWhatItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 3
		c, _, p := overPipe(t, parley.SocketOptions{QueueMessages: most})
		for range 3 {
			taken := 0
			for ; c.Offer(parley.Text("m")) == nil; taken++ {
				synctest.Wait() // the first is being written
			}
			if taken != most {
				t.Errorf("%d messages taken, want %d", taken, most)
			}
			for range taken {
				p.expect(finBit|opText, "m")
			}
			synctest.Wait()
		}
	})
}

// A message of any size fits an empty queue.
func TestLargeMessages(t *testing.T) {
	c, ctx, p := overTCP(t, parley.SocketOptions{QueueBytes: 1 << 10, MaxMessage: -1})
	large := strings.Repeat("l", 5<<20)
	go func() {
		if err := c.Write(ctx, parley.Text(large)); err != nil {
			t.Errorf("Write: %v", err)
		}
	}()
	p.expect(finBit|opText, large)
	go p.conn.Write(masked(0x81, large))
	if m, err := c.Read(ctx); err != nil || string(m.Data) != large {
		t.Errorf("Read: %d bytes, %v", len(m.Data), err)
	}
}

func TestPreparedIsFramedOnce(t *testing.T) {
	c, ctx, p := overTCP(t, parley.SocketOptions{})
	prepared := parley.Prepare(parley.Text("all"))
	for range 2 {
		if err := c.Write(ctx, prepared.Send()); err != nil {
			t.Fatal(err)
		}
		p.expect(finBit|opText, "all")
	}
	frame, borrowed, _ := c.encode(prepared.Send())
	again, _, _ := c.encode(prepared.Send())
	if borrowed != nil || &frame[0] != &again[0] {
		t.Error("the frame was made again")
	}
}
