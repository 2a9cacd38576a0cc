// Package embedded runs a NATS server inside the program, alone or as one of a cluster,
// so that several programs with channel layers need nothing but each other:
//
//	package main
//
//	import (
//		"context"
//		"flag"
//		"log"
//		"strings"
//
//		"github.com/parleygo/parley/channel"
//		"github.com/parleygo/parley/channel/nats"
//		"github.com/parleygo/parley/channel/nats/embedded"
//	)
//
//	func main() {
//		listen := flag.String("cluster", "127.0.0.1:6222", "own address, for the others")
//		peers := flag.String("peers", "127.0.0.1:6222,127.0.0.1:6223", "addresses of all")
//		flag.Parse()
//
//		server, err := embedded.New(embedded.Options{
//			ClusterListen: *listen, Peers: strings.Split(*peers, ","),
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//		defer server.Close()
//		transport, err := nats.New(nats.Options{InProcess: server})
//		if err != nil {
//			log.Fatal(err)
//		}
//		layer := channel.New(channel.Options{Transport: transport})
//		defer layer.Close(context.Background())
//		// ... layer.GroupSend reaches the members in all the programs
//	}
//
// # What is kept
//
// JetStream is on. In a cluster it needs most of the servers to agree, as many as
// nats.Options.Replicas says to keep things, and the same names after a restart. Three
// servers with three replicas survive the loss of any one, files or not; two servers
// only carry messages while one of them is away, and keep nothing meanwhile.
//
// # Who gets in
//
// A server listens only where Options tells it to. One that is in a cluster also has a
// port on the loopback, as nats-server will not have it otherwise, which lets nobody in.
package embedded
