package redis

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/parleygo/parley/internal/options"
	"github.com/redis/rueidis"
)

// Options say where Redis is. The zero value is a server on this machine at its usual
// port.
type Options struct {
	// URLs of the servers; one is enough. The default is redis://localhost:6379.
	//
	//	redis://user:password@host:6379/2   a database by its number
	//	rediss://host:6379                  over TLS
	//	unix:///run/redis/redis.sock?db=2
	//
	// Several are nodes of one cluster, or sentinels if MasterSet says so.
	URLs []string

	// MasterSet is the name under which sentinels, which URLs then lead to, know the
	// servers. User and password of the URLs are the servers'.
	MasterSet string

	// SentinelUsername and SentinelPassword are for the sentinels, if they want any.
	SentinelUsername, SentinelPassword string

	// TLS is how to speak TLS, which rediss:// asks for. Where it is set, redis://
	// asks for it too.
	TLS *tls.Config

	// Prefix begins every key and channel, and a colon follows it: programs with
	// different ones do not meet. A database other than 0 adds a '#' and its number, for
	// pub/sub knows no databases. The default is "parley".
	Prefix string

	// Unsharded has a cluster send what is published to all of its nodes, as it must
	// before Redis 7. Without it that depends on what the cluster can do when New is
	// called, and programs that have found otherwise do not hear each other: set it for
	// all of them while a cluster is upgraded.
	Unsharded bool

	// Timeout is how long a server may be silent before its connection counts as
	// dead, and how long connecting may take. The default is 5 s.
	Timeout time.Duration

	// Backlog is the most payloads that wait for the readers of one subject that is
	// shared by QueueSubscribe. Publish returns an error that is parley.ErrFull
	// beyond. The default is 10 000; negative is no limit.
	Backlog int

	// Logger hears of connections that are lost and found. Nil means slog.Default().
	Logger *slog.Logger

	// Configure has the last word on what rueidis is told, for what has no option
	// here, such as credentials that change.
	Configure func(*rueidis.ClientOption)
}

func (o Options) withDefaults() Options {
	if len(o.URLs) == 0 {
		o.URLs = []string{"redis://localhost:6379"}
	}
	if o.Prefix == "" {
		o.Prefix = "parley"
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	o.Timeout = options.Positive("redis: Options.Timeout", o.Timeout, 5*time.Second)
	o.Backlog = options.Limit(o.Backlog, 10_000)
	return o
}

// client returns what rueidis is to be told.
func (o *Options) client() (rueidis.ClientOption, error) {
	client, err := parseURLs(o.URLs)
	if err != nil {
		return client, err
	}
	if err := checkPrefix(o.Prefix); err != nil {
		return client, err
	}
	if o.TLS != nil {
		client.TLSConfig = o.TLS.Clone()
	}
	if o.MasterSet != "" {
		client.Sentinel.MasterSet = o.MasterSet
	}
	client.Dialer = net.Dialer{Timeout: o.Timeout, KeepAlive: o.Timeout / 2}
	client.ConnWriteTimeout = o.Timeout
	client.Sentinel.Dialer = client.Dialer
	client.Sentinel.TLSConfig = client.TLSConfig
	client.Sentinel.Username, client.Sentinel.Password = o.SentinelUsername, o.SentinelPassword
	client.Sentinel.TopologyRefreshInterval = o.Timeout
	client.ClusterOption.ShardsRefreshInterval = o.Timeout
	client.DisableCache = true     // nothing here is cached
	client.DisableRetry = true     // a publish must not happen twice; callers hear of failures
	client.AlwaysPipelining = true // a ctx that ends must not take its connection along
	client.PipelineMultiplex = -1  // one connection a server: payloads keep their order
	if o.Configure != nil {
		o.Configure(&client)
	}
	return client, nil
}

// parseURLs reads the URLs, of which the first says everything but further addresses.
func parseURLs(urls []string) (rueidis.ClientOption, error) {
	var all rueidis.ClientOption
	for i, url := range urls {
		one, err := rueidis.ParseURL(url)
		if err != nil {
			return all, fmt.Errorf("redis: Options.URLs[%d]: %w", i, withoutURL(err))
		}
		if one.TLSConfig != nil {
			one.TLSConfig.ServerName = "" // of each address its own
		}
		if i == 0 {
			all = one
			all.DialCtxFn = nil
			continue
		}
		if (one.TLSConfig == nil) != (all.TLSConfig == nil) {
			return all, fmt.Errorf("redis: Options.URLs[%d]: some with TLS and some without", i)
		}
		all.InitAddress = append(all.InitAddress, one.InitAddress...)
	}
	return all, nil
}
