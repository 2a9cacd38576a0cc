package nats_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/internal/servicetest"
)

// load publishes numbers until it is told to stop, and counts what was accepted.
type load struct {
	accepted, refused atomic.Int64
	stop              context.CancelFunc
	running           sync.WaitGroup

	mu    sync.Mutex
	spell int      // odd while something is broken
	owed  []string // accepted when nothing was: these must arrive
}

func startLoad(transport channel.Transport, subject string) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{stop: cancel}
	l.running.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			spell := l.now()
			err := transport.Publish(ctx, subject, fmt.Append(nil, i))
			switch {
			case err == nil:
				l.accepted.Add(1)
				l.owe(i, spell)
			case ctx.Err() == nil:
				l.refused.Add(1)
				time.Sleep(time.Millisecond) // as whoever was refused would
			}
		}
	})
	return l
}

func (l *load) now() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.spell
}

func (l *load) owe(number, spell int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if spell%2 == 0 && spell == l.spell {
		l.owed = append(l.owed, fmt.Sprint(number))
	}
}

// turn ends a spell, and returns what is owed by then.
func (l *load) turn() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spell++
	return slices.Clone(l.owed)
}

func (l *load) end() {
	l.stop()
	l.running.Wait()
}

// told collects what OnInterrupt tells.
func told(transport *nats.Transport) chan []string {
	notices := make(chan []string, 100)
	transport.OnInterrupt(func(subjects []string) { notices <- subjects })
	return notices
}

func await[T any](t *testing.T, what string, from <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-patient(t).Done():
		t.Fatalf("%s: nothing came", what)
	}
	return value
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for ctx := patient(t); !done(); time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatalf("%s: never", what)
		}
	}
}

// TestServerKilledUnderLoad: nothing that was accepted while the server lived is lost,
// whoever publishes sees that it is gone, and listeners are told when it is back. What is
// lost was published between its death and that notice.
func TestServerKilledUnderLoad(t *testing.T) {
	server := servicetest.StartNATS(t)
	o := nats.Options{Servers: []string{server.URL}}
	publisher, listener := connect(t, o), connect(t, o)
	notices := told(listener)
	var got sync.Map
	last := make(chan struct{})
	for _, subject := range []string{"load", "end", "quiet"} {
		if _, err := listener.Subscribe(patient(t), subject, func(payload []byte) {
			if got.Store(string(payload), true); string(payload) == "end" {
				close(last)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	arrive := func(numbers []string) {
		t.Helper()
		for _, number := range numbers {
			until(t, "number "+number, func() bool { _, ok := got.Load(number); return ok })
		}
	}
	publishing := startLoad(publisher, "load")
	for round := range 2 {
		before := publishing.accepted.Load()
		until(t, "load", func() bool { return publishing.accepted.Load() > before+200 })
		refused := publishing.refused.Load()
		// A server that is killed takes with it what it has accepted and not yet written.
		arrive(publishing.turn())
		server.Kill()
		until(t, "refusals", func() bool { return publishing.refused.Load() > refused+3 })
		server.Restart()
		if subjects := await(t, "notice", notices); strings.Join(subjects, " ") != "end load quiet" {
			t.Errorf("round %d: told of %q", round, subjects)
		}
		publishing.turn()
	}
	before := publishing.accepted.Load()
	until(t, "load", func() bool { return publishing.accepted.Load() > before+200 })
	publishing.end()
	if err := publisher.Publish(patient(t), "end", []byte("end")); err != nil {
		t.Fatal(err)
	}
	await(t, "end", last)
	// The readers of two subjects may be two, so the last of the load may still be on its way.
	arrive(publishing.owed)
	t.Logf("%d accepted, %d of them owed, %d refused", publishing.accepted.Load(), len(publishing.owed),
		publishing.refused.Load())
	if len(notices) != 0 {
		t.Errorf("told again of %q", <-notices)
	}
}

// TestCut: a network that breaks, and one that goes silent.
func TestCut(t *testing.T) {
	server := servicetest.StartNATS(t)
	for name, fail := range map[string]func(*servicetest.Proxy){
		"cut": (*servicetest.Proxy).Cut, "silence": (*servicetest.Proxy).Silence,
	} {
		t.Run(name, func(t *testing.T) {
			proxy := servicetest.StartProxy(t, server.Addr)
			far := connect(t, nats.Options{Servers: []string{"nats://" + proxy.Addr},
				Timeout: 2 * time.Second, Heartbeat: 50 * time.Millisecond, MaxBackoff: 50 * time.Millisecond})
			near := connect(t, nats.Options{Servers: []string{server.URL}})
			notices, got := told(far), make(chan string, 100)
			deliver := func(payload []byte) { got <- string(payload) }
			if _, err := far.Subscribe(patient(t), "room", deliver); err != nil {
				t.Fatal(err)
			}
			fail(proxy)
			if err := far.Publish(patient(t), "room", []byte("far")); err == nil {
				t.Error("publish over a broken network: no error")
			}
			waiting := make(chan error, 1)
			go func() {
				for { // with a Timeout that is shorter than the interruption
					_, err := far.Subscribe(patient(t), "later", deliver)
					if err == nil {
						waiting <- nil
						return
					}
				}
			}()
			if err := near.Publish(patient(t), "room", []byte("missed")); err != nil {
				t.Fatal(err)
			}
			proxy.Heal()
			if subjects := await(t, "notice", notices); subjects[len(subjects)-1] != "room" {
				t.Errorf("told of %q", subjects)
			}
			await(t, "subscribed", waiting)
			heard := make(map[string]bool)
			until(t, "both", func() bool { // a machine that stalls is a broken network, too
				for _, subject := range []string{"room", "later"} {
					if err := near.Publish(patient(t), subject, []byte(subject)); err != nil {
						t.Fatal(err)
					}
				}
				for len(got) > 0 {
					heard[<-got] = true
				}
				return heard["room"] && heard["later"]
			})
		})
	}
}

// TestSlowListener: what a listener has no time for is bounded, dropped and told.
func TestSlowListener(t *testing.T) {
	server := embeddedServers(t, 1)[0]
	slow := connect(t, nats.Options{InProcess: server, MaxPending: 1 << 20})
	fast := connect(t, nats.Options{InProcess: server})
	notices := told(slow)
	hold, got := make(chan struct{}), atomic.Int64{}
	if _, err := slow.Subscribe(patient(t), "room", func([]byte) { <-hold; got.Add(1) }); err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, 64<<10)
	const sent = 100
	for range sent {
		if err := fast.Publish(patient(t), "room", payload); err != nil {
			t.Fatal(err)
		}
	}
	if subjects := await(t, "notice", notices); strings.Join(subjects, " ") != "room" {
		t.Errorf("told of %q", subjects)
	}
	close(hold)
	if err := fast.Publish(patient(t), "room", nil); err != nil {
		t.Fatal(err)
	}
	until(t, "deliveries", func() bool { return int(got.Load()) >= (1<<20)/readers/len(payload) })
	if n := got.Load(); n > 10 {
		t.Errorf("%d of %d were held for it", n, sent)
	}
}

const readers = 4 // as in the package

// TestServerCutsSlowListener: the server ends a connection that does not read.
func TestServerCutsSlowListener(t *testing.T) {
	server := servicetest.StartNATS(t, "max_pending: 2MB", "write_deadline: '200ms'")
	proxy := servicetest.StartProxy(t, server.Addr)
	slow := connect(t, nats.Options{Servers: []string{"nats://" + proxy.Addr}})
	fast := connect(t, nats.Options{Servers: []string{server.URL}, Unconfirmed: true})
	notices := told(slow)
	if _, err := slow.Subscribe(patient(t), "room", func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	proxy.Slow(100 * time.Millisecond)
	payload := make([]byte, 1<<20)
	for range 16 {
		if err := fast.Publish(patient(t), "room", payload); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "cut", func() bool { return strings.Contains(server.Output(), "Slow Consumer") })
	proxy.Slow(0)
	if subjects := await(t, "notice", notices); strings.Join(subjects, " ") != "room" {
		t.Errorf("told of %q", subjects)
	}
}

// TestOthersOnOurSubjects: what is not ours is skipped, wherever it is published.
func TestOthersOnOurSubjects(t *testing.T) {
	server := servicetest.StartNATS(t)
	transport := connect(t, nats.Options{Servers: []string{server.URL}})
	stranger, err := natsgo.Connect(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	layer := channel.New(channel.Options{Transport: transport})
	defer layer.Close(patient(t))
	inbox, err := layer.Open(patient(t), channel.InboxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := inbox.Join(patient(t), "room"); err != nil {
		t.Fatal(err)
	}
	entries := make(chan channel.Entry, 10)
	if _, err := transport.Follow(patient(t), "log", func(e channel.Entry) { entries <- e }); err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"parley.pub.parley.group.room", "parley.live.log", "parley.ctl.all"} {
		for _, m := range []*natsgo.Msg{
			{Data: []byte("not an envelope")},
			{Data: make([]byte, 1<<20)},
			{Header: natsgo.Header{"Nats-Stream": {"parley-log-x"}, "Nats-Sequence": {"-1"}}},
			{Header: natsgo.Header{"Nats-Stream": {"other"}, "Nats-Sequence": {"1"}, "Nats-Last-Sequence": {"0"}}},
		} {
			m.Subject = subject
			if err := stranger.PublishMsg(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := stranger.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := layer.GroupSend(patient(t), "room", channel.NewMessage("text", []byte("ours"))); err != nil {
		t.Fatal(err)
	}
	if m, err := inbox.Receive(patient(t)); err != nil || string(m.Payload()) != "ours" {
		t.Errorf("received %q, %v", m.Payload(), err)
	}
	until(t, "count", func() bool { return layer.Stats().BadEnvelopes == 4 })
	position, err := transport.Append(patient(t), "log", []byte("ours"), keepAll)
	if err != nil {
		t.Fatal(err)
	}
	if e := await(t, "entry", entries); e.Position != position {
		t.Errorf("%+v, want %v", e, position)
	}
}

// TestTenants: a name cannot be made to reach another prefix, and where the server knows
// what each may do, what is not allowed is an error of the call.
func TestTenants(t *testing.T) {
	server := servicetest.StartNATS(t, `authorization { users: [`,
		`{ user: acme, password: a, permissions: { publish: ["acme.>", "_INBOX.>"], subscribe: ["acme.>", "_INBOX.>"] } }`,
		`{ user: root, password: r } ] }`)
	acme := nats.Options{Servers: []string{server.URL}, User: "acme", Password: "a", Prefix: "acme"}
	mine := connect(t, acme)
	root := connect(t, nats.Options{Servers: []string{server.URL}, User: "root", Password: "r", Prefix: "other"})
	got := make(chan string, 10)
	for _, subject := range []string{"room", "pub.room", "acme.pub.room"} {
		if _, err := root.Subscribe(patient(t), subject, func([]byte) { got <- subject }); err != nil {
			t.Fatal(err)
		}
	}
	for _, subject := range []string{"room", "..other.pub.room", "other.pub.room", "acme.pub.room", "!", "_INBOX.x"} {
		if err := mine.Publish(patient(t), subject, nil); err != nil {
			t.Errorf("%s: %v", subject, err)
		}
	}
	for _, subject := range []string{"*", ">", "a.*", "a.>", "a b", "a\r\nPUB x 0\r\n", "", "$SYS.x", "é",
		strings.Repeat("n", 256)} {
		if err := mine.Publish(patient(t), subject, nil); !errors.Is(err, channel.ErrName) {
			t.Errorf("publish to %.20q: %v", subject, err)
		}
		if _, err := mine.Subscribe(patient(t), subject, func([]byte) {}); !errors.Is(err, channel.ErrName) {
			t.Errorf("subscribe to %.20q: %v", subject, err)
		}
	}
	acme.Prefix = "other"
	thief := connect(t, acme)
	if err := thief.Publish(patient(t), "room", nil); !errors.Is(err, natsgo.ErrPermissionViolation) {
		t.Errorf("publish with another's prefix: %v", err)
	}
	if _, err := thief.Subscribe(patient(t), "room",
		func([]byte) {}); !errors.Is(err, natsgo.ErrPermissionViolation) {
		t.Errorf("subscribe with another's prefix: %v", err)
	}
	if err := root.Publish(patient(t), "room", nil); err != nil {
		t.Fatal(err)
	}
	if subject := await(t, "own", got); subject != "room" || len(got) > 0 {
		t.Errorf("%s, and %d more", subject, len(got))
	}
	if _, err := nats.New(nats.Options{Servers: []string{server.URL}, User: "acme", Password: "wrong"}); err == nil {
		t.Error("connected with a wrong password")
	}
}

// TestTooLarge: the server's limit is an error that says so, and the connection stays.
func TestTooLarge(t *testing.T) {
	transport := connect(t, nats.Options{Servers: []string{servicetest.StartNATS(t).URL}})
	for _, publish := range []func(payload []byte) error{
		func(payload []byte) error { return transport.Publish(patient(t), "room", payload) },
		func(payload []byte) error {
			_, err := transport.Append(patient(t), "room", payload, keepAll)
			return err
		},
	} {
		if err := publish(make([]byte, 2<<20+1)); !errors.Is(err, parley.ErrTooLarge) {
			t.Errorf("too large: %v", err)
		}
		if err := publish(nil); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
}
