package peertest

import (
	"context"
	"errors"
	"net"
	"net/rpc"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/servicetest"
)

// patience is for what must come: somebody who is killed is out in 30 s.
const patience = 2 * time.Minute

// side is one of the processes.
type side struct {
	t    *testing.T
	name string
	*rpc.Client
}

// Others are the processes that a test starts, which call Serve. Their clocks are ahead
// of the test's.
type Others struct {
	Start func(t *testing.T) *servicetest.Process
	Ahead time.Duration
}

// Run proves what the test's process and others see of each other. Here is called for a
// transport of the test's own process.
func Run(t *testing.T, here func(t *testing.T) Transport, others Others) {
	t.Run("HistoryByAge", func(t *testing.T) { historyByAge(t, own(t, here), others.start(t)) })
	t.Run("Leases", func(t *testing.T) { leases(t, own(t, here), others.start(t)) })
	t.Run("Jobs", func(t *testing.T) { jobs(t, own(t, here), others.start(t)) })
	t.Run("Attempts", func(t *testing.T) { attempts(t, closed(t, here)) })
	t.Run("Drain", func(t *testing.T) { drain(t, closed(t, here), closed(t, here)) })
	t.Run("WorkersOfTheDead", func(t *testing.T) { workersOfTheDead(t, closed(t, here), others) })
	t.Run("JobOfTheDead", func(t *testing.T) { jobOfTheDead(t, own(t, here), others) })
	t.Run("PresenceOfTheDead", func(t *testing.T) { presenceOfTheDead(t, own(t, here), others) })
}

// RunChurn proves that everybody knows who is there, and was told of each stay once, where
// processes are killed and stopped at any moment.
func RunChurn(t *testing.T, here func(t *testing.T) Transport, others Others) {
	churn(t, own(t, here), others)
}

// closed is a transport that ends with the test.
func closed(t *testing.T, here func(t *testing.T) Transport) Transport {
	transport := here(t)
	t.Cleanup(func() {
		if err := transport.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return transport
}

// own is the test's process, which is asked as others are.
func own(t *testing.T, here func(t *testing.T) Transport) *side {
	client, server := net.Pipe()
	served, transport := make(chan error, 1), here(t)
	go func() { served <- serve(transport, server) }()
	t.Cleanup(func() {
		_ = client.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return &side{t, "here", rpc.NewClient(client)}
}

func (o Others) start(t *testing.T) *side {
	s, _ := o.startToKill(t)
	return s
}

func (o Others) startToKill(t *testing.T) (*side, *servicetest.Process) {
	t.Helper()
	process := o.Start(t)
	var conn net.Conn
	process.Await(func() (err error) {
		address, _, complete := strings.Cut(process.Output(), "\n")
		if !complete {
			return errors.New("no address yet")
		}
		conn, err = net.Dial("tcp", address)
		return err
	})
	s := &side{t, "there", rpc.NewClient(conn)}
	t.Cleanup(func() { _ = s.Close() })
	ahead := time.Until(ask[time.Time](s, "Clock", 0).Round(0))
	if diff := (ahead - o.Ahead).Abs(); diff > time.Minute {
		t.Fatalf("the other clock is %v ahead, want %v", ahead, o.Ahead)
	}
	return s, process
}

// ask has a side do something, which must succeed.
func ask[R any](s *side, method string, args any) (result R) {
	s.t.Helper()
	if err := s.Call("Peer."+method, args, &result); err != nil {
		s.t.Fatalf("%s: %s(%+v): %v", s.name, method, args, err)
	}
	return result
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came about that %s", what)
		}
	}
}

// bothWays runs a test with either side as the first.
func bothWays(t *testing.T, here, there *side, test func(t *testing.T, name string, a, b *side)) {
	for name, sides := range map[string][2]*side{"here": {here, there}, "there": {there, here}} {
		t.Run("From_"+name, func(t *testing.T) {
			a, b := *sides[0], *sides[1]
			a.t, b.t = t, t
			test(t, "parley."+name, &a, &b)
		})
	}
}

func historyByAge(t *testing.T, here, there *side) {
	bothWays(t, here, there, func(t *testing.T, name string, writer, reader *side) {
		long := Entry{name + ".long", []byte("x"), channel.Keep{Messages: 9, Age: time.Minute, Bytes: 99}}
		brief := Entry{name + ".brief", []byte("x"), channel.Keep{Messages: 9, Age: time.Second, Bytes: 99}}
		position := ask[channel.Position](writer, "Append", long)
		ask[channel.Position](writer, "Append", brief)
		eventually(t, "what is old is gone", func() bool {
			return len(ask[channel.Past](reader, "Since", brief.Subject).Entries) == 0 &&
				len(ask[channel.Past](writer, "Since", brief.Subject).Entries) == 0
		})
		for _, s := range []*side{writer, reader} {
			past := ask[channel.Past](s, "Since", long.Subject)
			if len(past.Entries) != 1 || past.Entries[0].Position != position {
				t.Errorf("%s: %+v, want %v", s.name, past, position)
			}
		}
	})
}

func leases(t *testing.T, here, there *side) {
	bothWays(t, here, there, func(t *testing.T, name string, owner, other *side) {
		for _, life := range []time.Duration{time.Minute, time.Minute, time.Second} {
			ask[channel.LeaseState](owner, "Lease", Lease{name, life})
			for _, s := range []*side{owner, other} {
				if seen := ask[Owned](s, "Owned", name); life == time.Minute && seen != (Owned{Present: true}) {
					t.Errorf("%s sees %+v", s.name, seen)
				}
			}
		}
		eventually(t, "it lapses", func() bool {
			lapsed := Owned{Lapsed: true}
			return ask[Owned](owner, "Owned", name) == lapsed && ask[Owned](other, "Owned", name) == lapsed
		})
	})
}
