package socket

import (
	"context"
	"errors"
	"math"
	"os"
	"sync"
	"time"

	"github.com/parleygo/parley"
)

// ErrEnded is what Read returns when the socket is over; Ended tells how.
var ErrEnded = errors.New("socket: ended")

// errHandOver is met by whoever reads when another wants to, or when its wait is
// over.
var errHandOver = errors.New("socket: reading handed over")

// reader says who is reading. There is one at a time.
type reader uint8

const (
	nobody  reader = iota
	app            // Read, on its caller's goroutine
	watcher        // watch, while the app is away
	closer         // linger, for the peer's close
)

// inbound is the reading half. Usually the app itself reads, inside Read, so
// that an idle socket has one goroutine and a message no hop. While the app is
// away a watcher reads ahead; it hands over as soon as the app is back.
type inbound struct {
	c        *Conn
	presence presence

	mu       sync.Mutex
	reader   reader
	handOver bool          // the reader is asked to give up
	paused   bool          // the watcher waits for room in ahead
	lost     bool          // the peer hung up, though bytes may be unread
	ahead    []Message     // read and not received yet
	bytes    int           // in ahead
	wake     chan struct{} // tells a waiting Read to look again
	nudge    chan struct{} // tells a paused watcher to look again
	free     chan struct{} // closed when nobody reads, for the closer

	// Only the reader touches these.
	parser    parser
	armed     bool      // a read deadline is set and still meant
	heard     time.Time // when bytes last came in
	pinged    bool      // and a ping was sent since
	attempt   func(fd uintptr) bool
	attemptN  int
	attemptOn bool // straight into the message
	attemptE  error
}

func (in *inbound) init(c *Conn, early []byte) {
	in.c = c
	in.heard = time.Now()
	in.parser.limit = c.options.MaxMessage
	if in.parser.limit < 0 {
		in.parser.limit = math.MaxInt64
	}
	in.parser.deflates = c.deflate
	if c.hasRaw {
		in.parser.unread = readBuffer{buf: early, w: len(early)}
	} else {
		buf := make([]byte, max(4<<10, len(early)))
		in.parser.unread = readBuffer{buf: buf, w: copy(buf, early), kept: true}
	}
	if c.hasRaw {
		in.attempt = in.readAttempt
	}
}

// Read waits for the next message. It returns ErrEnded when the socket is over
// and everything that came before its end was read, or ctx's cause when ctx ends
// first; nothing is lost then.
func (c *Conn) Read(ctx context.Context) (Message, error) {
	in := &c.in
	c.appReturns()
	for {
		in.mu.Lock()
		if len(in.ahead) > 0 {
			m := in.pop()
			in.mu.Unlock()
			c.appLeaves()
			return m, nil
		}
		if c.Ended() != nil {
			in.mu.Unlock()
			return Message{}, ErrEnded
		}
		if c.ctxEnds(ctx) && ctx.Err() != nil {
			in.mu.Unlock()
			c.appLeaves()
			return Message{}, context.Cause(ctx)
		}
		if in.reader == nobody {
			in.reader = app
			in.mu.Unlock()
			if m, err := c.readHere(ctx); err != errHandOver {
				return m, err
			}
			continue
		}
		in.interrupt()
		wake := in.wake
		in.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
		}
	}
}

// readHere reads on the app's own goroutine.
func (c *Conn) readHere(ctx context.Context) (Message, error) {
	if c.ctxEnds(ctx) {
		stop := context.AfterFunc(ctx, func() {
			c.in.mu.Lock()
			defer c.in.mu.Unlock()
			if c.in.reader == app {
				c.in.interrupt()
			}
		})
		defer stop()
	}
	m, err := c.nextMessage()
	c.in.release()
	switch err {
	case nil:
		c.appLeaves()
	case errHandOver:
	default:
		c.fail(err)
		err = errHandOver // Read looks at the end
	}
	return m, err
}

// appIsAway makes this goroutine the watcher, if there is need of one.
func (c *Conn) appIsAway() {
	in := &c.in
	in.mu.Lock()
	switch {
	case c.Ended() != nil || in.lost:
	case in.reader == nobody:
		in.reader = watcher
		if in.wake == nil {
			in.wake = make(chan struct{}, 1)
			in.nudge = make(chan struct{}, 1)
		}
		in.mu.Unlock()
		c.watch()
		return
	case in.reader == watcher && in.paused && !in.full():
		in.paused = false
		in.nudgeReader()
	}
	in.mu.Unlock()
}

// watch reads ahead until the app wants to read itself or the socket is over.
func (c *Conn) watch() {
	in := &c.in
	for {
		m, err := c.nextMessage()
		if err == nil {
			err = in.push(m)
			in.rouse()
		}
		if err == errFull {
			err = c.watchHangup()
		}
		if err != nil {
			in.release()
			if err != errHandOver {
				c.fail(err)
			}
			in.rouse()
			return
		}
	}
}

var errFull = errors.New("socket: read far enough ahead")

func (in *inbound) push(m Message) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ahead = append(in.ahead, m)
	in.bytes += cap(m.Data)
	switch {
	case in.handOver:
		return errHandOver
	case in.full():
		in.paused = true
		return errFull
	}
	return nil
}

func (in *inbound) pop() Message {
	m := in.ahead[0]
	in.ahead[0] = Message{}
	in.ahead = in.ahead[1:]
	in.bytes -= cap(m.Data)
	if len(in.ahead) == 0 {
		in.ahead = nil
	}
	return m
}

// full tells that nothing more is read ahead. A message of any size fits an
// empty read-ahead.
func (in *inbound) full() bool {
	return len(in.ahead) >= in.c.options.ReadAhead || in.bytes >= readAheadBytes
}

const readAheadBytes = 1 << 20

// release tells that the caller reads no more.
func (in *inbound) release() {
	in.mu.Lock()
	if in.handOver {
		in.armed = false // the deadline was used to interrupt
	}
	in.reader, in.handOver, in.paused = nobody, false, false
	if in.free != nil {
		close(in.free)
		in.free = nil
	}
	in.mu.Unlock()
}

// rouse wakes a Read that waits for the watcher.
func (in *inbound) rouse() {
	if in.wake == nil {
		return
	}
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// interrupt asks the reader to give up. The caller holds mu.
func (in *inbound) interrupt() {
	in.handOver = true
	in.nudgeReader()
}

func (in *inbound) nudgeReader() {
	in.c.net.SetReadDeadline(longAgo)
	if in.nudge == nil {
		return
	}
	select {
	case in.nudge <- struct{}{}:
	default:
	}
}

// ended gets whoever reads or waits to look at the end.
func (in *inbound) ended() {
	in.mu.Lock()
	if in.reader != nobody {
		in.interrupt()
	}
	in.rouse()
	in.mu.Unlock()
}

// nextMessage reads until a message is whole, and deals with control frames on
// the way. The caller is the reader.
func (c *Conn) nextMessage() (Message, error) {
	p := &c.in.parser
	for {
		what, err := p.next()
		switch {
		case err != nil:
			return Message{}, err
		case what == foundMessage:
			return p.takeWhole(), nil
		case what == foundControl:
			err = c.handleControl(p.control)
		default:
			err = c.fill()
		}
		if err != nil {
			return Message{}, err
		}
	}
}

// fill reads once from the wire.
func (c *Conn) fill() error {
	in := &c.in
	for {
		if !in.armed && !in.arm() {
			return errHandOver
		}
		err := c.readOnce()
		if err == nil {
			in.heard, in.pinged = time.Now(), false
			return nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		in.armed = false
		if err := c.heartbeat(); err != nil {
			return err
		}
	}
}

// arm sets the read deadline: when the heartbeat is due. It refuses when
// somebody else wants to read.
func (in *inbound) arm() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.handOver {
		return false
	}
	var due time.Time
	if interval := in.c.options.PingInterval; interval > 0 {
		due = in.heard.Add(interval)
		if in.pinged {
			due = due.Add(in.c.options.PongTimeout)
		}
	}
	in.c.net.SetReadDeadline(due)
	in.armed = true
	return true
}

// heartbeat is called when a read deadline has passed, meant or not.
func (c *Conn) heartbeat() error {
	in := &c.in
	interval := c.options.PingInterval
	silent := time.Since(in.heard)
	switch {
	case interval <= 0 || silent < interval:
	case !in.pinged:
		in.pinged = true
		return c.out.ping()
	case silent >= interval+c.options.PongTimeout:
		return parley.ErrIdle
	}
	return nil
}

func (c *Conn) readOnce() error {
	in := &c.in
	if c.hasRaw {
		if err := c.raw.wait(in.attempt); err != nil {
			return err
		}
		if in.attemptE != nil {
			return in.attemptE
		}
		in.parser.took(in.attemptN, in.attemptOn)
		return nil
	}
	into, direct := in.parser.target()
	n, err := c.net.Read(into)
	in.parser.took(n, direct)
	if n > 0 {
		return nil
	}
	return err
}

// readAttempt reads what the kernel has. While it has nothing no buffer is held.
func (in *inbound) readAttempt(fd uintptr) bool {
	into, direct := in.parser.target()
	n, again, err := readNow(fd, into)
	if again {
		in.parser.unread.rest()
		return false
	}
	in.attemptN, in.attemptOn, in.attemptE = n, direct, err
	return true
}
