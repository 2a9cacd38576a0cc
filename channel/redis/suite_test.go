package redis_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/channeltest"
	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
)

func connect(t testing.TB, options redis.Options) *redis.Transport {
	t.Helper()
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	transport, err := redis.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { transport.Close(context.Background()) })
	return transport
}

func url(server *servicetest.Redis) string { return "redis://" + server.Addr }

// TestSuites: the whole contract, however Redis is reached.
func TestSuites(t *testing.T) {
	for _, test := range []struct {
		name  string
		start func(t *testing.T) redis.Options
	}{
		{"Standalone", standalone},
		{"UnixSocket", unixSocket},
		{"TLS", overTLS},
		{"ACL", restrictedUser},
		{"RESP2", oldProtocol},
		{"Sentinel", behindSentinel},
		{"Cluster", threeMasters},
		{"ClusterACL", restrictedUserOfACluster},
		{"OldCluster", oldCluster},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			options := test.start(t)
			channeltest.RunTransport(t, func(t *testing.T) channel.Transport {
				return connect(t, options)
			})
			channeltest.RunJobs(t, func(t *testing.T) channel.Transport {
				return connect(t, options)
			})
			layers := func(t *testing.T) []*channel.Layer {
				var layers []*channel.Layer
				namespace := rand.Text()
				for range 2 {
					layers = append(layers, channel.New(channel.Options{
						Namespace: namespace, Transport: connect(t, options),
						History: []channel.HistoryRule{
							{Pattern: channeltest.KeptGroups, Keep: channeltest.KeptBounds}}}))
				}
				return layers
			}
			channeltest.RunLayer(t, layers)
			channeltest.RunHistory(t, layers)
			channeltest.RunPresence(t, layers)
		})
	}
}

func standalone(t *testing.T) redis.Options {
	return redis.Options{URLs: []string{url(servicetest.StartRedis(t))}}
}

func oldProtocol(t *testing.T) redis.Options {
	return redis.Options{URLs: []string{url(servicetest.StartRedis(t)) + "/3?protocol=2"}}
}

func unixSocket(t *testing.T) redis.Options {
	socket := filepath.Join(t.TempDir(), "redis.sock")
	servicetest.StartRedis(t, "--unixsocket", socket)
	return redis.Options{URLs: []string{"unix://" + socket}}
}

// rights are those that the package's documentation names.
func rights(more ...string) []string {
	return append([]string{"--user", "default", "on", "nopass", "~*", "&*", "+@all",
		"--user", "parley", "on", ">secret", "~parley:*", "&parley:*",
		"-@all", "+@pubsub", "+@scripting", "+@list", "+@hash", "+@sortedset", "+@stream",
		"+get", "+getex", "+set", "+del", "+pexpire", "+persist", "+time", "+info", "+ping"}, more...)
}

func restrictedUser(t *testing.T) redis.Options {
	server := servicetest.StartRedis(t, rights()...)
	return redis.Options{URLs: []string{"redis://parley:secret@" + server.Addr}}
}

func restrictedUserOfACluster(t *testing.T) redis.Options {
	servers := startCluster(t, 2, rights("+cluster|slots")...)
	return redis.Options{URLs: []string{"redis://parley:secret@" + servers[1].Addr}}
}

func overTLS(t *testing.T) redis.Options {
	config, certificate, key := selfSigned(t)
	port := servicetest.FreePort(t)
	servicetest.StartRedis(t, "--tls-port", port, "--tls-cert-file", certificate,
		"--tls-key-file", key, "--tls-auth-clients", "no")
	return redis.Options{URLs: []string{"rediss://127.0.0.1:" + port}, TLS: config}
}

func selfSigned(t *testing.T) (config *tls.Config, certificate, key string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"},
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	privateDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(text))
	return &tls.Config{RootCAs: roots}, servicetest.WriteFile(t, "redis.crt", text),
		servicetest.WriteFile(t, "redis.key", string(pem.EncodeToMemory(
			&pem.Block{Type: "PRIVATE KEY", Bytes: privateDER})))
}

// TestInterrupter: who may have missed something is told.
func TestInterrupter(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	channeltest.RunInterrupter(t, func(t *testing.T) channel.Transport {
		return connect(t, redis.Options{URLs: []string{url(server)}})
	}, func(*testing.T) { server.Must("CLIENT", "KILL", "TYPE", "pubsub") })
}
