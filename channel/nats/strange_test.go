package nats_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/channel/nats/embedded"
	"github.com/parleygo/parley/internal/servicetest"
)

// TestNoJetStream: groups work without it. What is kept fails, and says why, and takers do
// not ask without end.
func TestNoJetStream(t *testing.T) {
	config := map[string]string{
		"account": `accounts { NONE { users: [ { user: ann, password: a } ] } }`,
		"server":  `authorization { users: [ { user: ann, password: a } ] }`,
	}
	for name, line := range config {
		t.Run(name, func(t *testing.T) {
			bothServers(t, []string{line}, func(t *testing.T, address string) {
				if name == "server" {
					address = without(t, line)
				}
				transport := connect(t, ann(address))
				worksLoose(t, transport)
				var calling sync.WaitGroup
				for what, call := range calls(transport) {
					calling.Go(func() {
						ctx := patient(t)
						if err := call(ctx); err == nil || ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
							t.Errorf("%s: %v", what, err)
						}
					})
				}
				calling.Wait()
				worksLoose(t, transport)
			})
		})
	}
}

// without starts a server that has no JetStream, with this line in its configuration.
func without(t *testing.T, line string) (address string) {
	config := servicetest.WriteFile(t, "nats.conf", line)
	return configured(t, embedded.Options{}, func(o *natsserver.Options) error {
		o.JetStream = false
		return o.ProcessConfigFile(config)
	})
}

func configured(
	t *testing.T, o embedded.Options, configure func(o *natsserver.Options) error,
) (address string) {
	t.Helper()
	var failed error
	o.Listen, o.Logger = "127.0.0.1:0", silent
	o.Configure = func(o *natsserver.Options) { failed = configure(o) }
	s, err := embedded.New(o)
	if err = errors.Join(failed, err); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.URL()
}

// worksLoose fails the test unless what is published arrives.
func worksLoose(t *testing.T, transport *nats.Transport) {
	t.Helper()
	got := make(chan string, 1)
	sub, err := transport.Subscribe(patient(t), "loose", func(payload []byte) { got <- string(payload) })
	if err != nil {
		t.Fatal(err)
	}
	if err := transport.Publish(patient(t), "loose", []byte("x")); err != nil {
		t.Fatal(err)
	}
	await(t, "message", got)
	if err := sub.Unsubscribe(); err != nil {
		t.Error(err)
	}
}

// TestNoRoom: where JetStream is full, whoever wants something kept gets an error at once.
// Groups go on.
func TestNoRoom(t *testing.T) {
	for name, storage := range map[string]jetstream.StorageType{
		"memory": jetstream.MemoryStorage, "files": jetstream.FileStorage,
	} {
		t.Run(name, func(t *testing.T) {
			const room = 1 << 20
			address := configured(t, embedded.Options{MaxMemory: room}, func(o *natsserver.Options) error {
				o.JetStreamMaxStore = room
				return nil
			})
			o := nats.Options{Servers: []string{address}, Storage: storage, Timeout: time.Hour}
			transport := connect(t, o)
			var err error
			payload, accepted := make([]byte, 64<<10), 0
			for ; err == nil && accepted < 100; accepted++ {
				_, err = transport.Append(patient(t), fmt.Sprint("room.", accepted), payload, keepAll)
			}
			var full *jetstream.APIError
			if !errors.As(err, &full) || accepted > room/len(payload)+1 {
				t.Fatalf("%d kept, %v", accepted, err)
			}
			if err := transport.Enqueue(patient(t), "jobs", payload); !errors.As(err, &full) {
				t.Errorf("enqueue: %v", err)
			}
			_, err = transport.Renew(patient(t), "parley.a", time.Minute)
			if inMemory := storage == jetstream.MemoryStorage; (err != nil) != inMemory ||
				inMemory && !errors.As(err, &full) {
				t.Errorf("renew: %v", err)
			}
			worksLoose(t, transport)
			t.Logf("%d kept", accepted-1)
		})
	}
}

// TestOthersMadeThem: streams that have our names, but somebody else's settings, are used if
// they can be, and an error of the call if not.
func TestOthersMadeThem(t *testing.T) {
	for name, test := range map[string]struct {
		config jetstream.StreamConfig
		fail   string // calls that do
	}{
		"a bucket of nats.go": {jetstream.StreamConfig{Name: "KV_parley-leases",
			Subjects: []string{"$KV.parley-leases.>"}, MaxMsgsPerSubject: 1, AllowRollup: true, DenyDelete: true,
			Discard: jetstream.DiscardNew}, ""},
		"jobs that nobody forgets": {jetstream.StreamConfig{Name: "parley-jobs",
			Subjects: []string{"parley.job.>"}}, ""},
		"jobs of others": {jetstream.StreamConfig{Name: "parley-jobs", Subjects: []string{"others"}},
			"enqueue take"},
		"jobs that others keep": {jetstream.StreamConfig{Name: "others", Subjects: []string{"parley.job.>"}},
			"enqueue take"},
		"history that is not ours": {jetstream.StreamConfig{Name: "others", Subjects: []string{"parley.log.>"}},
			"append follow since"},
		"one that takes it all": {jetstream.StreamConfig{Name: "others", Subjects: []string{"parley.>"},
			NoAck: true}, "append enqueue follow since take"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := servicetest.StartNATS(t)
			conn, err := natsgo.Connect(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			js, err := jetstream.New(conn)
			if err == nil {
				_, err = js.CreateStream(patient(t), test.config)
			}
			if err != nil {
				t.Fatal(err)
			}
			transport := connect(t, nats.Options{Servers: []string{server.URL}, Timeout: patience / 4})
			if _, err := transport.Renew(patient(t), "parley.ann", time.Minute); err != nil {
				t.Fatal(err)
			}
			// Those who take need one, where one can be kept.
			if err := transport.Enqueue(patient(t), "jobs", nil); err != nil {
				t.Log(err)
			}
			var calling sync.WaitGroup
			for what, call := range calls(transport) {
				calling.Go(func() {
					ctx := patient(t)
					err := call(ctx)
					fails := slices.Contains(strings.Fields(test.fail), what)
					if (err != nil) != fails || ctx.Err() != nil {
						t.Errorf("%s: %v", what, err)
					}
				})
			}
			calling.Wait()
			worksLoose(t, transport)
		})
	}
}

// TestOtherOptions: two programs on one prefix that want other things kept, elsewhere, see
// the same.
func TestOtherOptions(t *testing.T) {
	server := servicetest.StartNATS(t)
	few := connect(t, nats.Options{Servers: []string{server.URL}})
	many := connect(t, nats.Options{Servers: []string{server.URL}, Storage: jetstream.MemoryStorage,
		Unconfirmed: true, Heartbeat: time.Minute})
	keeps := []channel.Keep{{Messages: 2, Age: time.Hour, Bytes: math.MaxInt}, keepAll}
	for i, transport := range []*nats.Transport{few, many, few, many, many} {
		if _, err := transport.Append(patient(t), "room", fmt.Append(nil, i), keeps[min(i%2, 1)]); err != nil {
			t.Fatal(err)
		}
	}
	for _, transport := range []*nats.Transport{few, many} {
		past, err := transport.Since(patient(t), "room", channel.Position{}, 10)
		if err != nil || len(past.Entries) != 2 { // as the newest entry says
			t.Errorf("%d entries, %v", len(past.Entries), err)
		}
		worksLoose(t, transport)
	}
}
