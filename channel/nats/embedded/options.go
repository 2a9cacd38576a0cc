package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/parleygo/parley/internal/options"
)

// Options of a Server. The zero value is one that only this program can reach, and
// that keeps everything in memory.
type Options struct {
	// Name is the server's, unlike those of its peers, and the same after a restart: the
	// cluster counts on a server that has gone to come back. Default is made of
	// ClusterListen.
	Name string

	// Listen is a TCP address for clients of other programs, "127.0.0.1:4222". With the
	// default, "", there is none.
	Listen string

	// ClusterListen is the TCP address for servers of other programs, "10.0.0.1:6222".
	// With the default, "", the server is alone. Whoever can connect to it is one of
	// the cluster, unless there is a Secret: it belongs on a network of your own.
	ClusterListen string

	// Peers are the addresses that other servers of the cluster have as ClusterListen.
	// One that is up is enough to find the rest, but a server waits for nobody, and all
	// should be told of all: the own address among them is overlooked. With ClusterListen
	// there must be another.
	Peers []string

	// Secret is what servers of one cluster say to each other. With the default, "",
	// everybody who can connect is believed.
	Secret string

	// Dir is where JetStream keeps what is to survive the program. With the default, "",
	// that is nothing: what it needs is in a temporary folder until Close.
	Dir string

	// MaxPayload is the largest message, in bytes. Default 2 MiB, enough for a layer
	// with its own default.
	MaxPayload int

	// MaxMemory bounds what JetStream keeps in memory, in bytes. Default 256 MiB;
	// negative means no limit.
	MaxMemory int

	// Logger is told what the server has to say. Nil means slog.Default.
	Logger *slog.Logger

	// Configure, if set, changes whatever else nats-server can be told.
	Configure func(*server.Options)
}

// config panics on what can only be a mistake in the wiring.
func (o *Options) config() (*server.Options, error) {
	payload := options.Positive("embedded: Options.MaxPayload", o.MaxPayload, 2<<20)
	c := &server.Options{
		ServerName:             o.Name,
		DontListen:             o.Listen == "" && o.ClusterListen == "",
		NoSigs:                 true,
		JetStream:              true,
		DisableJetStreamBanner: true,
		StoreDir:               o.Dir,
		MaxPayload:             int32(min(payload, math.MaxInt32)), // nats-server has a bound
		JetStreamMaxMemory:     int64(options.Limit(o.MaxMemory, 256<<20)),
		JetStreamMaxStore:      -1,
	}
	var err error
	if o.Listen != "" {
		if c.Host, c.Port, err = split(o.Listen); err != nil {
			return nil, err
		}
	}
	if o.ClusterListen != "" || len(o.Peers) > 0 {
		if err := o.cluster(c); err != nil {
			return nil, err
		}
	}
	if c.ServerName == "" {
		c.ServerName = "parley-" + strings.NewReplacer(".", "-", ":", "-").Replace(o.ClusterListen)
	}
	if o.Configure != nil {
		o.Configure(c)
	}
	return c, nil
}

func (o *Options) cluster(c *server.Options) (err error) {
	if o.Listen == "" { // nats-server makes no routes without listening for clients
		c.Host, c.Port, c.CustomClientAuthentication = "127.0.0.1", server.RANDOM_PORT, inside{}
		c.Cluster.NoAdvertise = true
	}
	c.Cluster.Name = "parley"
	c.ConnectErrorReports, c.ReconnectErrorReports = reports, reports
	if c.Cluster.Host, c.Cluster.Port, err = split(o.ClusterListen); err != nil {
		return err
	}
	user := url.UserPassword("parley", o.Secret)
	if o.Secret != "" {
		c.Cluster.Username, c.Cluster.Password = "parley", o.Secret
	} else {
		user = nil
	}
	for _, peer := range o.Peers {
		if _, _, err := split(peer); err != nil {
			return err
		}
		if peer != o.ClusterListen {
			c.Routes = append(c.Routes, &url.URL{Scheme: "nats-route", User: user, Host: peer})
		}
	}
	if len(c.Routes) == 0 {
		return errors.New("nats: a server in a cluster needs another in Options.Peers")
	}
	return nil
}

// inside lets in nobody but this program.
type inside struct{}

func (inside) Check(c server.ClientAuthentication) bool {
	addr := c.RemoteAddress()
	return addr != nil && addr.Network() == "pipe"
}

// split reads "host:port". Port 0 is any that is free, which nats-server calls -1.
func split(address string) (host string, port int, err error) {
	host, digits, err := net.SplitHostPort(address)
	if err == nil {
		port, err = strconv.Atoi(digits)
	}
	if err != nil {
		return "", 0, fmt.Errorf("nats: address %q: %w", address, err)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}
