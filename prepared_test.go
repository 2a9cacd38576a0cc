package parley_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/parleygo/parley"
)

// TestPreparedFramesOnce: however many sockets send it, a message is framed once
// for each encoding.
func TestPreparedFramesOnce(t *testing.T) {
	p := parley.Prepare(parley.Text("hi"))
	var framed atomic.Int32
	encode := func(prefix string) func(parley.MessageType, []byte) []byte {
		return func(kind parley.MessageType, data []byte) []byte {
			framed.Add(1)
			return []byte(prefix + kind.String() + ":" + string(data))
		}
	}
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			if got := string(p.Frame("plain", encode("p:"))); got != "p:text:hi" {
				t.Errorf("plain %q", got)
			}
			if got := string(p.Frame("deflated", encode("d:"))); got != "d:text:hi" {
				t.Errorf("deflated %q", got)
			}
		})
	}
	all.Wait()
	if n := framed.Load(); n != 2 {
		t.Errorf("framed %d times", n)
	}
}

func TestPrepare(t *testing.T) {
	p := parley.Prepare(parley.Binary([]byte{0xff}))
	if parley.Prepare(p.Send()) != p {
		t.Error("prepared twice")
	}
	kind, data := p.Send().Payload()
	if kind != parley.BinaryMessage || string(data) != "\xff" || !p.Valid() {
		t.Errorf("%v %q", kind, data)
	}
	if parley.Prepare(parley.Text("\xff")).Valid() {
		t.Error("text that is not UTF-8 is called valid")
	}
}
