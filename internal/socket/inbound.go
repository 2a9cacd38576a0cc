package socket

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/parleygo/parley/internal/meter"
)

// ErrEnded is what Read returns when the socket is over; Ended says how.
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
	handOver bool       // the reader is asked to give up
	handling bool       // the app was given a message and has not come back
	beats    bool       // the watcher answers pings
	over     bool       // the socket has an end
	pinged   bool       // since bytes last came; the reader's own, as the next two
	armed    bool       // a read deadline is set and still meant
	waited   bool       // a wait has ended that no account was taken of
	away     *readAhead // or nil
	got      traffic

	// Only the reader touches these.
	parser  parser
	heard   time.Duration // when bytes last came in, see now
	attempt func(fd uintptr) bool
	failed  *failures // or nil
}

// failures are what there is of reads that fail. Most sockets have none for as long as they
// live.
type failures struct {
	attempt error // how the last one has ended, or the wait for it
	met     error // what reading has ended with
}

// failing returns what there is to be of failed reads. The caller is the reader.
//
//go:noinline
func (in *inbound) failing() *failures {
	if in.failed == nil {
		in.failed = new(failures)
	}
	return in.failed
}

func (in *inbound) init(c *Conn, early []byte) {
	in.c = c
	in.heard = meter.Now()
	in.parser.limit = c.made.options.MaxMessage
	in.parser.deflates = c.deflate
	if c.hasRaw {
		in.parser.unread = unparsed(early)
		in.attempt = in.readAttempt
	} else {
		buf := make([]byte, max(4<<10, len(early)))
		in.parser.unread = readBuffer{buf: buf, w: uint32(copy(buf, early)), kept: true}
	}
}

// Read waits for the next message. It returns ErrEnded when the socket is over
// and everything that came before its end was read, or ctx's cause when ctx ends
// first; nothing is lost then.
func (c *Conn) Read(ctx context.Context) (Message, error) { return c.ReadInto(ctx, nil) }

// Into is where a message is put that was not read ahead and came uncompressed.
type Into struct {
	Buffer []byte // if it fits
	Lend   bool   // or where it is already: it is the caller's until the next Read
}

// ReadInto is Read that puts the message where the caller likes it to be, if it does.
//
// An app that waits for its peer waits below here, and its stack is most of what an idle
// socket costs. It fits into 2 KiB if the wait is in this function, what is done before
// and after it is in functions beside it, and what goes deeper is done elsewhere.
//
//parley:noescape
func (c *Conn) ReadInto(ctx context.Context, into *Into) (m Message, err error) {
	c.appReturns()
	for {
		var turn turn
		if m, turn, err = c.take(ctx); turn == over {
			return m, err
		} else if turn == waited {
			continue
		}
		if c.hasRaw && !c.ctxEnds(ctx) {
			c.in.parser.aim(into)
			for m, err = c.advance(); err == errMissing; m, err = c.advance() {
				c.in.tried(c.raw.wait(c.in.attempt))
			}
			m, err = c.haveRead(m, err)
		} else {
			m, err = c.readOtherwise(ctx, into)
		}
		if err != errHandOver {
			return m, err
		}
	}
}

// readOtherwise reads where waiting is not as simple.
func (c *Conn) readOtherwise(ctx context.Context, into *Into) (Message, error) {
	if c.ctxEnds(ctx) {
		return c.readUnder(ctx, into)
	}
	return c.readHere(into)
}

// turn is what a Read does next.
type turn uint8

const (
	waited  turn = iota // look again
	over                // return
	reading             // read from the wire
)

// take takes a message that is there, or the place of the reader, or waits for
// something to change.
//
//parley:noescape
func (c *Conn) take(ctx context.Context) (m Message, next turn, err error) {
	in := &c.in
	in.mu.Lock()
	if in.away != nil && in.away.asked != nil {
		in.tellAsked()
	}
	m, in.handling = in.pop()
	switch {
	case in.handling:
		in.mu.Unlock()
		c.totals().received(len(m.Data))
		c.appLeaves()
		return m, over, nil
	case in.over:
		in.mu.Unlock()
		c.sayFarewell()
		return m, over, ErrEnded
	case c.ctxEnds(ctx) && ctx.Err() != nil:
		in.mu.Unlock()
		return m, over, c.leftBy(ctx)
	case in.reader == nobody:
		in.reader = app
		in.mu.Unlock()
		return m, reading, nil
	}
	c.awaitReader(ctx)
	return m, waited, nil
}

// leftBy returns why a Read is over whose context has ended: with the socket, whose end
// this half may not have heard of yet, or before it.
//
//go:noinline
func (c *Conn) leftBy(ctx context.Context) error {
	if c.ctx.Err() != nil && c.Ended() != nil {
		c.sayFarewell()
		return ErrEnded
	}
	c.appLeaves()
	return context.Cause(ctx)
}

// awaitReader asks the reader to give up, and waits until there may be something for a
// Read, or until ctx ends. With the socket it wakes anyway. The caller holds mu, which is
// released.
//
//go:noinline
func (c *Conn) awaitReader(ctx context.Context) {
	var wake <-chan struct{}
	if c.in.away != nil {
		wake = c.in.away.wake
	}
	elsewhere(c.in.askReader)
	if !c.ctxEnds(ctx) {
		<-wake
		return
	}
	select {
	case <-wake:
	case <-ctx.Done():
	}
}

// readUnder is readHere under a context that may end before the socket does.
func (c *Conn) readUnder(ctx context.Context, into *Into) (Message, error) {
	stop := context.AfterFunc(ctx, func() {
		c.in.mu.Lock()
		defer c.in.mu.Unlock()
		if c.in.reader == app {
			c.in.interrupt()
		}
	})
	defer stop()
	return c.readHere(into)
}

// readHere reads on the app's own goroutine.
func (c *Conn) readHere(into *Into) (Message, error) {
	c.in.parser.aim(into)
	return c.haveRead(c.nextMessage())
}

// haveRead ends the app's time as the reader.
//
//parley:noescape
func (c *Conn) haveRead(m Message, err error) (Message, error) {
	if err != nil {
		c.stopApp(err)
		return Message{}, errHandOver // Read looks at the end
	}
	c.in.release(&m)
	c.totals().received(len(m.Data))
	c.appLeaves()
	return m, nil
}

//go:noinline
func (c *Conn) stopApp(err error) {
	c.in.parser.giveBack()
	c.stopReading(err)
}

// stopReading ends the caller's time as the reader: for now, or for good. Then the socket
// has its end before anybody may look for more on the wire: what comes behind a close
// frame is nobody's, and the peer's hanging up is not how the socket ended.
func (c *Conn) stopReading(err error) {
	if err != errHandOver {
		c.in.failing().met = err
		c.fail(err)
	}
	c.in.release(nil)
}

// release makes nobody the reader. m is the message that the caller has now, if it
// is the app.
func (in *inbound) release(m *Message) {
	in.mu.Lock()
	if in.handOver {
		in.armed = false // the deadline was used to interrupt
	}
	in.reader, in.handOver = nobody, false
	if m != nil {
		in.handling = true
		in.got.add(len(m.Data))
	}
	if in.away != nil {
		in.away.readerGone()
	}
	in.mu.Unlock()
}

// OnAsk has asked called whenever the app asks for a message, before it gets one. By
// then AtMessage is false.
func (c *Conn) OnAsk(asked func()) {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	c.in.aside().asked = asked
}

// tellAsked calls asked. The caller holds mu, and has it again afterwards.
func (in *inbound) tellAsked() {
	asked := in.away.asked
	in.handling = false
	in.mu.Unlock()
	asked()
	in.mu.Lock()
}

// AtMessage reports whether the app has received a message, and asked for no other yet.
func (c *Conn) AtMessage() bool {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return c.in.handling
}

// beingHandled reports whether the app is at a message, or has some to take.
func (in *inbound) beingHandled() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.handling || in.away != nil && in.away.holds()
}

// rouse wakes a Read that waits for the watcher.
//
//parley:inline
func (in *inbound) rouse() {
	if in.away == nil {
		return
	}
	select {
	case in.away.wake <- struct{}{}:
	default:
	}
}

// askReader asks the reader to give up. The caller holds mu, which is released.
func (in *inbound) askReader() {
	defer in.mu.Unlock()
	in.interrupt()
}

// interrupt asks the reader to give up. The caller holds mu.
func (in *inbound) interrupt() {
	in.handOver = true
	in.nudgeReader()
}

func (in *inbound) nudgeReader() {
	in.c.net.SetReadDeadline(longAgo)
	if in.away == nil {
		return
	}
	select {
	case in.away.nudge <- struct{}{}:
	default:
	}
}

// ended gets whoever reads or waits to look at the end.
func (in *inbound) ended() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.over = true
	if in.reader != nobody {
		in.interrupt()
	}
	in.rouse()
}
