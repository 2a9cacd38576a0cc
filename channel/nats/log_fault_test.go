package nats_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/internal/servicetest"
)

var keepAll = channel.Keep{Messages: math.MaxInt, Age: math.MaxInt64, Bytes: math.MaxInt}

// TestEpochs: a log that has lost its memory has another epoch, and goes on.
func TestEpochs(t *testing.T) {
	for name, fail := range map[string]func(t *testing.T, server *servicetest.NATS, js jetstream.JetStream, stream string){
		"purged": func(t *testing.T, _ *servicetest.NATS, js jetstream.JetStream, stream string) {
			handle, err := js.Stream(patient(t), stream)
			if err != nil {
				t.Fatal(err)
			}
			if err := handle.Purge(patient(t)); err != nil {
				t.Fatal(err)
			}
		},
		"deleted": func(t *testing.T, _ *servicetest.NATS, js jetstream.JetStream, stream string) {
			if err := js.DeleteStream(patient(t), stream); err != nil {
				t.Fatal(err)
			}
		},
		"restarted": func(t *testing.T, server *servicetest.NATS, _ jetstream.JetStream, _ string) {
			server.Kill()
			server.Restart()
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := servicetest.StartNATS(t)
			o := nats.Options{Servers: []string{server.URL}, Storage: jetstream.MemoryStorage}
			a, b := connect(t, o), connect(t, o)
			conn, err := natsgo.Connect(server.URL, natsgo.MaxReconnects(-1))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			js, err := jetstream.New(conn)
			if err != nil {
				t.Fatal(err)
			}
			entries := make(chan channel.Entry, 10)
			if _, err := b.Follow(patient(t), "room", func(e channel.Entry) { entries <- e }); err != nil {
				t.Fatal(err)
			}
			var before channel.Position
			for i := range 3 {
				if before, err = a.Append(patient(t), "room", fmt.Append(nil, i), keepAll); err != nil {
					t.Fatal(err)
				}
				await(t, "entry", entries)
			}
			notices := told(b)
			fail(t, server, js, "parley-log-"+before.Epoch)
			if name == "restarted" {
				await(t, "notice", notices)
			}
			past, err := sinceSoon(t, b, before)
			if err != nil || past.Epoch == before.Epoch || past.Last != 0 || len(past.Entries) != 0 {
				t.Errorf("since: %+v, %v, was %v", past, err, before)
			}
			var after channel.Position
			until(t, "append", func() bool {
				after, err = a.Append(patient(t), "room", []byte("after"), keepAll)
				return err == nil
			})
			if after.Epoch != past.Epoch {
				t.Errorf("appended at %v, since says %q", after, past.Epoch)
			}
			for e := await(t, "entry", entries); e.Position != after; {
				e = await(t, "entry", entries)
			}
		})
	}
}

// sinceSoon asks until the connection is there again.
func sinceSoon(t *testing.T, log channel.Log, after channel.Position) (past channel.Past, err error) {
	until(t, "since", func() bool {
		past, err = log.Since(patient(t), "room", after, 10)
		return err == nil
	})
	return past, err
}

// TestFilesSurvive: what is in files is there after the death of the server, and the
// epoch is the same.
func TestFilesSurvive(t *testing.T) {
	server := servicetest.StartNATS(t)
	transport := connect(t, nats.Options{Servers: []string{server.URL}})
	notices := told(transport)
	if _, err := transport.Follow(patient(t), "room", func(channel.Entry) {}); err != nil {
		t.Fatal(err)
	}
	first, err := transport.Append(patient(t), "room", []byte("0"), keepAll)
	if err != nil {
		t.Fatal(err)
	}
	server.Kill()
	server.Restart()
	await(t, "notice", notices)
	past, err := sinceSoon(t, transport, channel.Position{})
	if err != nil || past.Epoch != first.Epoch || len(past.Entries) != 1 {
		t.Errorf("%+v, %v", past, err)
	}
	second, err := transport.Append(patient(t), "room", []byte("1"), keepAll)
	if err != nil || second.Epoch != first.Epoch || second.Offset <= first.Offset {
		t.Errorf("%v after %v, %v", second, first, err)
	}
}

// TestBounds: what each log keeps, and that the server keeps not much more.
func TestBounds(t *testing.T) {
	server := embeddedServers(t, 1)[0]
	transport := connect(t, nats.Options{InProcess: server})
	payload := make([]byte, 1000)
	for subject, keep := range map[string]channel.Keep{
		"number": {Messages: 10, Age: time.Hour, Bytes: 1 << 20},
		"bytes":  {Messages: 1 << 20, Age: time.Hour, Bytes: 10_500},
		"large":  {Messages: 10, Age: time.Hour, Bytes: 10},
		"old":    {Messages: 10, Age: time.Nanosecond, Bytes: 1 << 20},
	} {
		want := map[string]int{"number": 10, "bytes": 10, "large": 1, "old": 0}[subject]
		var last channel.Position
		for range 200 {
			var err error
			if last, err = transport.Append(patient(t), subject, payload, keep); err != nil {
				t.Fatal(err)
			}
		}
		past, err := transport.Since(patient(t), subject, channel.Position{}, 1000)
		if err != nil || len(past.Entries) != want || past.Last != last.Offset {
			t.Errorf("%s: %d entries, last %d of %d, %v", subject, len(past.Entries), past.Last, last.Offset, err)
			continue
		}
		if want > 0 && past.Entries[0].Previous == 0 {
			t.Errorf("%s: the first that is kept is said to be the first of all", subject)
		}
	}
	until(t, "purge", func() bool { return stored(t, server) < 4*60 })
}

func stored(t *testing.T, server natsgo.InProcessConnProvider) (messages uint64) {
	conn, err := natsgo.Connect("", natsgo.InProcessServer(server))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for info := range js.ListStreams(patient(t)).Info() {
		messages += info.State.Msgs
	}
	return messages
}

// TestResumeThousand: a thousand missed entries come at once, in order.
func TestResumeThousand(t *testing.T) {
	transport := connect(t, nats.Options{InProcess: embeddedServers(t, 1)[0]})
	keep := channel.Keep{Messages: 1000, Age: time.Hour, Bytes: 1 << 20}
	for i := range 1010 {
		if _, err := transport.Append(patient(t), "room", fmt.Append(nil, i), keep); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	past, err := transport.Since(patient(t), "room", channel.Position{}, 1000)
	t.Logf("%d entries in %v", len(past.Entries), time.Since(began))
	if err != nil || len(past.Entries) != 1000 {
		t.Fatalf("%d entries, %v", len(past.Entries), err)
	}
	for i, e := range past.Entries {
		if string(e.Payload) != fmt.Sprint(i+10) {
			t.Fatalf("entry %d is %s", i, e.Payload)
		}
	}
}
