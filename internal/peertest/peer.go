// Package peertest proves what two processes see of each other over a broker: when their
// clocks are apart, and when one of them is killed.
package peertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/rpc"
	"sync"
	"time"

	"github.com/parleygo/parley/channel"
)

// Transport is one that has all that a layer and a worker can make use of.
type Transport interface {
	channel.Transport
	channel.Log
	channel.Leases
	channel.Jobs
}

// Peer does in its process what a test asks of it, by net/rpc.
type Peer struct {
	transport Transport
	layer     *channel.Layer

	mu     sync.Mutex
	room   Room
	sights []*Sight
}

// Serve is all that the program of another process does: it serves the test that has
// started it, until that hangs up or kills it.
func Serve(transport Transport) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	return serve(transport, conn)
}

func serve(transport Transport, conn net.Conn) error {
	p := &Peer{transport: transport, room: Room{Joined: map[string]int{}, Left: map[string]int{}},
		layer: channel.New(channel.Options{Transport: transport})}
	server := rpc.NewServer()
	if err := server.Register(p); err != nil {
		return err
	}
	server.ServeConn(conn)
	return p.layer.Close(context.Background())
}

// Clock returns what time it is here.
func (p *Peer) Clock(_ int, now *time.Time) error {
	*now = time.Now()
	return nil
}

// Room is the group that everybody is in, as the first inbox of a process sees it: who is
// present, by what they show, and how often each id has joined and left.
type Room struct {
	Present      []string
	Joined, Left map[string]int
}

// Enter has so many inboxes enter the room.
func (p *Peer) Enter(count int, _ *int) error {
	for i := range count {
		inbox, err := p.layer.Open(context.Background(), channel.InboxOptions{
			Capacity: channel.Capacity{Messages: -1, Bytes: -1}})
		if err != nil {
			return err
		}
		if i == 0 {
			go p.watch(inbox, p.room.Joined, p.room.Left)
		}
		if _, err := inbox.Enter(context.Background(), "room", i); err != nil {
			return err
		}
	}
	return nil
}

// watch counts who comes and goes, under mu.
func (p *Peer) watch(inbox *channel.Inbox, joined, left map[string]int) {
	for {
		message, err := inbox.Receive(context.Background())
		if err != nil {
			return
		}
		var who channel.Member
		if json.Unmarshal(message.Payload(), &who) != nil {
			continue
		}
		p.mu.Lock()
		switch message.Type() {
		case channel.TypeJoin:
			joined[who.ID]++
		case channel.TypeLeave:
			left[who.ID]++
		}
		p.mu.Unlock()
	}
}

// Room returns what the room looks like from here.
func (p *Peer) Room(_ int, room *Room) error {
	present, err := p.layer.Present(context.Background(), "room")
	p.mu.Lock()
	defer p.mu.Unlock()
	room.Joined, room.Left = maps.Clone(p.room.Joined), maps.Clone(p.room.Left)
	for _, member := range present {
		room.Present = append(room.Present, member.ID)
	}
	return err
}

// Entry is what Append keeps.
type Entry struct {
	Subject string
	Payload []byte
	Keep    channel.Keep
}

// Append keeps an entry.
func (p *Peer) Append(e Entry, position *channel.Position) (err error) {
	*position, err = p.transport.Append(context.Background(), e.Subject, e.Payload, e.Keep)
	return err
}

// Since returns all that is kept.
func (p *Peer) Since(subject string, past *channel.Past) (err error) {
	*past, err = p.transport.Since(context.Background(), subject, channel.Position{}, 100)
	return err
}

// Lease is one with a record, under the owner's name as its subject.
type Lease struct {
	Owner string
	Life  time.Duration
}

// Lease renews one, and enters its record if it is new.
func (p *Peer) Lease(l Lease, state *channel.LeaseState) (err error) {
	*state, err = p.transport.Renew(context.Background(), l.Owner, l.Life)
	if err == nil && *state != channel.LeaseKept {
		records := []channel.Record{{Subject: l.Owner, Key: "key", Value: []byte("value")}}
		err = p.transport.Enter(context.Background(), l.Owner, records)
	}
	return err
}

// Owned is what others see of a lease.
type Owned struct{ Present, Lapsed bool }

// Owned returns what is seen of a lease from here.
func (p *Peer) Owned(owner string, seen *Owned) error {
	records, err := p.transport.Present(context.Background(), owner)
	seen.Present = len(records) == 1
	all, lapsedErr := p.transport.Lapsed(context.Background())
	for _, lease := range all {
		seen.Lapsed = seen.Lapsed || lease.Owner == owner
	}
	return errors.Join(err, lapsedErr)
}

// Job is one that is sent, or let go of for a while.
type Job struct {
	Subject string
	Held    channel.Held
	Pause   time.Duration
}

// Enqueue sends a job.
func (p *Peer) Enqueue(j Job, _ *int) error {
	return p.transport.Enqueue(context.Background(), j.Subject, j.Held.Payload)
}

// Wanted is a job that somebody waits for, and how long it is to be held.
type Wanted struct {
	Subject    string
	Hold, Wait time.Duration
}

// Take returns a job, or none if none comes.
func (p *Peer) Take(w Wanted, held *[]channel.Held) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), w.Wait)
	defer cancel()
	*held, err = p.transport.Take(ctx, w.Subject, 1, w.Hold)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// Retry lets go of a job for a while.
func (p *Peer) Retry(j Job, _ *int) error {
	return p.transport.Retry(context.Background(), j.Subject, j.Held, j.Pause)
}

// Done ends a job.
func (p *Peer) Done(j Job, _ *int) error {
	return p.transport.Done(context.Background(), j.Subject, j.Held)
}
