package nats

// LosePeers has a transport believe that the servers of the others do not answer.
func LosePeers(t *Transport) {
	t.peers.mu.Lock()
	defer t.peers.mu.Unlock()
	for server := range t.peers.known {
		t.peers.known[server] = true
	}
}
