package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/channel/nats/embedded"
	"github.com/parleygo/parley/channel/redis"
)

// layer returns the channel layer of this process, and what ends it.
func (c config) layer(
	ctx context.Context,
) (*channel.Layer, func(ctx context.Context) error, error) {
	var transport channel.Transport
	stop := func() error { return nil }
	var err error
	switch {
	case c.transport == "memory": // alone
	case c.transport == "redis":
		transport, err = redis.New(redis.Options{URLs: urls(c.url)})
	case c.transport == "nats" && c.url != "":
		transport, err = nats.New(nats.Options{Servers: urls(c.url)})
	case c.transport == "nats":
		transport, stop, err = c.embedded(ctx)
	default:
		err = fmt.Errorf("there is no transport %q", c.transport)
	}
	if err != nil {
		return nil, nil, err
	}
	layer := channel.New(channel.Options{Transport: transport, History: history})
	return layer, func(ctx context.Context) error {
		err := layer.Close(ctx) // closes the transport too
		if stopped := stop(); err == nil {
			err = stopped
		}
		return err
	}, nil
}

// embedded starts a NATS server inside this process, and waits until it has met those of
// the others. Three of them keep history and presence on each, and lose nothing with any
// one of them; two cannot agree on what is kept while either is away.
func (c config) embedded(ctx context.Context) (channel.Transport, func() error, error) {
	var peers []string
	if c.peers != "" {
		peers = strings.Split(c.peers, ",")
	}
	var o embedded.Options
	if len(peers) > 1 {
		o.ClusterListen, o.Peers = peers[c.number-1], peers
	}
	server, err := embedded.New(o)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err = server.Joined(ctx)
	var transport *nats.Transport
	if err == nil {
		transport, err = nats.New(nats.Options{InProcess: server, Replicas: replicas(len(peers))})
	}
	if err != nil {
		_ = server.Close() // the other error is the one to tell
		return nil, nil, err
	}
	return transport, server.Close, nil
}

// replicas is how many of so many servers keep what is kept.
func replicas(servers int) int {
	if servers < 3 {
		return 1
	}
	return 3
}

func urls(url string) []string {
	if url == "" {
		return nil // the transport's default
	}
	return strings.Split(url, ",")
}
