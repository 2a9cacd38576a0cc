// Peer is another process of a test, at the Redis whose URL it is given.
package main

import (
	"log"
	"os"

	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/peertest"
)

func main() {
	transport, err := redis.New(redis.Options{URLs: os.Args[1:]})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(peertest.Serve(transport))
}
