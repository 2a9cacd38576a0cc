package nats_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/channel/nats/embedded"
)

// stalled stands before a server inside the program, and holds back all that it says from
// the first answer to a kind of request on.
type stalled struct {
	server  *embedded.Server
	kind    string
	running sync.WaitGroup
	again   chan struct{} // has something when the request is made once more
	release chan struct{}

	mu    sync.Mutex
	reply string // where that answer goes
}

func (s *stalled) InProcessConn() (net.Conn, error) {
	return between(s.server, &s.running, s.asked, s.answered)
}

func (s *stalled) asked(words []string) (leave bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case kindOf(words[1]) != s.kind:
	case s.reply == "":
		s.reply = words[2]
	case len(s.again) < cap(s.again):
		s.again <- struct{}{}
	}
	return false
}

func (s *stalled) answered(words []string) (leave bool) {
	s.mu.Lock()
	first := words[1] == s.reply
	s.mu.Unlock()
	if first {
		<-s.release
	}
	return false
}

// unmarked makes a stream without a mark.
func unmarked(t *testing.T, server *embedded.Server) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(dialed(t, natsgo.DefaultURL, natsgo.InProcessServer(server)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(patient(t), jetstream.StreamConfig{
		Name: "parley-log-new", Subjects: []string{"parley.log.>"}}); err != nil {
		t.Fatal(err)
	}
	return js
}

// TestMarkedMeanwhile: who has seen that a stream bears no mark yet, and then stood still for
// longer than it may take, finds the mark and does not delete what others have kept.
func TestMarkedMeanwhile(t *testing.T) {
	server := embeddedServers(t, 1)[0]
	js := unmarked(t, server)
	s := &stalled{server: server, kind: "CONSUMER.CREATE",
		again: make(chan struct{}, 9), release: make(chan struct{})}
	t.Cleanup(s.running.Wait)
	transport := connect(t, nats.Options{InProcess: s, Timeout: patience})
	release := sync.OnceFunc(func() { close(s.release) })
	t.Cleanup(release)
	began, appended := time.Now(), make(chan channel.Position, 1)
	go func() {
		position, err := transport.Append(t.Context(), "room", []byte("second"), keepAll)
		if err != nil {
			t.Error(err)
		}
		appended <- position
	}()
	for range 3 { // the third is answered before the mark is there, and heard when it is
		await(t, "request, once more", s.again)
	}
	time.Sleep(100 * time.Millisecond)
	for _, subject := range []string{"parley.log.=", "parley.log.room"} {
		if _, err := js.Publish(patient(t), subject, nil); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Until(began.Add(2500 * time.Millisecond))) // more than a mark may take
	release()
	if position := <-appended; position.String() != "new:3" {
		t.Errorf("appended at %v", position)
	}
}

// distant stands before a server inside the program, and has all that it says take a while.
type distant struct {
	server  *embedded.Server
	running sync.WaitGroup
	looks   atomic.Int64 // for the mark
}

func (d *distant) InProcessConn() (net.Conn, error) {
	return between(d.server, &d.running, d.asked, d.answered)
}

func (d *distant) asked(words []string) (leave bool) {
	if kindOf(words[1]) == "CONSUMER.CREATE" {
		d.looks.Add(1)
	}
	return false
}

func (d *distant) answered([]string) (leave bool) {
	time.Sleep(80 * time.Millisecond)
	return false
}

// TestUnmarkedFarAway: a stream that nobody marks is replaced as soon where each look takes
// long, for whoever wants to append has no more time there than elsewhere.
func TestUnmarkedFarAway(t *testing.T) {
	d := &distant{server: embeddedServers(t, 1)[0]}
	unmarked(t, d.server)
	t.Cleanup(d.running.Wait)
	transport := connect(t, nats.Options{InProcess: d, Timeout: patience})
	position, err := transport.Append(t.Context(), "room", []byte("first"), keepAll)
	if err != nil || position.Epoch == "new" {
		t.Errorf("appended at %v, %v", position, err)
	}
	if looks := d.looks.Load(); looks > 50 { // which take 100 ms each, for two seconds
		t.Errorf("%d looks", looks)
	}
}
