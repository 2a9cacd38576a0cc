package main

import (
	"context"
	"fmt"
	"testing"
)

// naps begin and end when the test says.
type naps struct{ asleep, awake, over chan bool }

func newNaps() naps { return naps{make(chan bool), make(chan bool), make(chan bool)} }

func (n naps) nap(ctx context.Context) {
	for _, step := range []chan bool{n.asleep, n.awake} {
		select {
		case step <- true:
		case <-n.over:
		case <-ctx.Done():
		}
	}
}

// babble types and says lines, and hears all of it.
func (c *visitor) babble(lines int) {
	c.t.Helper()
	for i := range lines {
		id, text := fmt.Sprint(i), fmt.Sprint("line ", i)
		c.send(spoken{Type: "typing", On: true})
		c.say(id, text)
		c.sees("ann")
		c.hears(id, "ann", text)
		c.sees()
	}
}

// TestSlowClient: what a client does not get in time is settled by the policy,
// told by the numbers, and no business of the others.
func TestSlowClient(t *testing.T) {
	naps := newNaps()
	home, stop := launch(t, naps.nap)
	t.Cleanup(stop)
	bob, _ := join(t, home, "lobby", "bob")
	ann, _ := join(t, home, "lobby", "ann")
	bob.finds("ann", "bob")

	bob.send(spoken{Type: "slow", On: true})
	<-naps.asleep
	const lines = 100
	for range maxWaiting {
		eve, _ := join(t, home, "lobby", "eve")
		eve.ws.Close()
	}
	_, _ = join(t, home, "lobby", "liz")
	ann.finds("ann", "bob", "liz")
	ann.babble(lines) // does not wait for bob
	<-naps.awake
	<-naps.asleep // what waited has been sent
	close(naps.over)
	bob.send(spoken{Type: "slow"})
	ann.say("end", "x")
	got, typing, number := 0, 0, uint64(0)
	for number <= lines {
		switch message := bob.read(); {
		case message.Type == "typing":
			typing++
		case message.Type != "line":
		case message.Number <= number:
			t.Errorf("%d comes after %d", message.Number, number)
		default:
			got++
			number = message.Number
		}
	}
	bob.finds("ann", "bob", "liz")
	if got < maxWaiting/2 || got > maxWaiting+1 || typing != 1 {
		t.Errorf("got %d lines and %d updates, where %d messages may wait", got, typing, maxWaiting)
	}
}
