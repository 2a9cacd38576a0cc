// Peer is another process of a test, at the NATS whose URL it is given.
package main

import (
	"log"
	"os"

	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/internal/peertest"
)

func main() {
	transport, err := nats.New(nats.Options{Servers: os.Args[1:]})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(peertest.Serve(transport))
}
