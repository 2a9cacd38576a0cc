package socket

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
)

// A message that is lent is whole, and stays so for as long as its receiver is away,
// whatever comes meanwhile and whoever reads it. The next Read gets what came.
func TestReadLent(t *testing.T) {
	const text = "hello, hello"
	for name, row := range map[string]struct {
		stream []byte
		ahead  bool
		lent   bool // the message is in the read buffer
	}{
		"in one piece": {masked(0x81, text), false, true},
		"in fragments": {join(masked(0x01, text[:5]), masked(0x89, "p"), masked(0x80, text[5:])),
			false, false},
		"behind an empty fragment": {join(masked(0x01, ""), masked(0x80, text)), false, true},
		"compressed":               {masked(0x81|rsv1Bit, string(deflate([]byte(text)))), false, false},
		"read ahead":               {masked(0x81, text), true, false},
		"with more behind it":      {join(masked(0x81, text), masked(0x82, "more")), false, true},
	} {
		for _, away := range []time.Duration{0, time.Second} {
			t.Run(name+"/"+away.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, ctx, p := overPipe(t, parley.SocketOptions{Deflate: true})
					go p.answer()
					if !row.ahead {
						go p.conn.Write(row.stream)
					} else if _, err := p.conn.Write(row.stream); err != nil {
						t.Fatal(err)
					}
					m, err := c.ReadInto(ctx, &Into{Lend: true})
					if err != nil || string(m.Data) != text {
						t.Fatalf("read %q, %v", m.Data, err)
					}
					if away == 0 && c.in.parser.unread.lent != row.lent { // later a watcher has it
						t.Errorf("lent: %v, want %v", !row.lent, row.lent)
					}
					go p.send(0x81, strings.Repeat("next", 1000)) // to a watcher, if we stay away
					time.Sleep(away)
					if string(m.Data) != text {
						t.Errorf("overwritten: %q", m.Data)
					}
					if strings.HasPrefix(name, "with") {
						if more, err := c.Read(ctx); err != nil || string(more.Data) != "more" {
							t.Errorf("then %q, %v", more.Data, err)
						}
					}
					next, err := c.ReadInto(ctx, &Into{Lend: true})
					if err != nil || string(next.Data) != strings.Repeat("next", 1000) {
						t.Errorf("then %d bytes, %v", len(next.Data), err)
					}
				})
			})
		}
	}
}

// What a Read without lending returns is its receiver's for ever, also behind messages
// that were lent.
func TestReadLentIsForOneMessage(t *testing.T) {
	c, ctx, p := overTCP(t, parley.SocketOptions{})
	p.conn.Write(join(masked(0x81, "one"), masked(0x81, "two"), masked(0x81, "three")))
	lent, err := c.ReadInto(ctx, &Into{Lend: true})
	if err != nil || string(lent.Data) != "one" {
		t.Fatalf("read %q, %v", lent.Data, err)
	}
	own, err := c.Read(ctx)
	if err != nil || string(own.Data) != "two" {
		t.Fatalf("read %q, %v", own.Data, err)
	}
	if three, err := c.ReadInto(ctx, &Into{Lend: true}); err != nil || string(three.Data) != "three" {
		t.Fatalf("read %q, %v", three.Data, err)
	}
	p.conn.Write(masked(0x81, strings.Repeat("x", 1000)))
	if _, err := c.ReadInto(ctx, &Into{Lend: true}); err != nil || string(own.Data) != "two" {
		t.Errorf("%v, and now it is %q", err, own.Data)
	}
}

// The close that follows a message which is lent is read without a look at it.
func TestReadLentAndClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx, p := overPipe(t, parley.SocketOptions{})
		go p.conn.Write(masked(0x81, "hello"))
		m, err := c.ReadInto(ctx, &Into{Lend: true})
		if err != nil {
			t.Fatal(err)
		}
		go p.answer()
		c.Close(parley.CloseNormal, "", parley.ErrFinished)
		p.conn.Write(join(masked(0x81, "other"), masked(0x88, "\x03\xe8")))
		<-c.Gone()
		if string(m.Data) != "hello" {
			t.Errorf("overwritten: %q", m.Data)
		}
	})
}
