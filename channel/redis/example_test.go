package redis_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
)

// A server, by its URL.
func ExampleNew() {
	transport, err := redis.New(redis.Options{URLs: []string{"redis://app:secret@redis:6379/1"}})
	if err != nil {
		log.Fatal(err)
	}
	layer := channel.New(channel.Options{Transport: transport})
	defer layer.Close(context.Background())
	fmt.Println(layer.GroupSend(context.Background(), "lobby", channel.NewMessage("hello", nil)))
}

// A cluster over TLS: one node is enough to find the others.
func ExampleNew_cluster() {
	transport, err := redis.New(redis.Options{
		URLs: []string{"rediss://one:6379", "rediss://two:6379"},
		TLS:  &tls.Config{MinVersion: tls.VersionTLS13},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(transport.Stats().Subscriptions)
}

// Sentinels, which know where the master is.
func ExampleNew_sentinel() {
	transport, err := redis.New(redis.Options{
		URLs:      []string{"redis://app:secret@one:26379", "redis://two:26379", "redis://three:26379"},
		MasterSet: "mymaster",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(transport.Ping(context.Background()))
}
