package nats

import (
	"context"
	"errors"
	"fmt"
)

// LosePeers has a transport believe that the servers of the others do not answer.
func LosePeers(t *Transport) {
	for _, server := range t.peers.others() {
		t.peers.lose(server)
	}
}

// MeetAndLose has a transport meet so many servers that go again, and returns how many it
// remembers.
func MeetAndLose(t *Transport, servers int) int {
	for i := range servers {
		server := fmt.Sprint("server-", i)
		t.peers.learn(server)
		t.peers.lose(server)
	}
	t.peers.mu.Lock()
	defer t.peers.mu.Unlock()
	return len(t.peers.known)
}

// Ended returns how many subscriptions wait to be tried again.
func Ended(t *Transport) int {
	t.regains.mu.Lock()
	defer t.regains.mu.Unlock()
	return len(t.regains.ended)
}

// LoseBucket has a transport look for the bucket of leases again.
func LoseBucket(ctx context.Context, t *Transport) { t.bucket.lost(ctx) }

// Passes reports whether whoever waits goes on after a status of JetStream.
func Passes(status, description string) bool {
	return errors.Is(ending(status, description), errPassed)
}
