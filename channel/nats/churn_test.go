package nats_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
)

// TestPresentWhileOthersComeAndGo: whoever stays is in every answer, however many others
// enter, leave and end meanwhile, and no answer waits for that to stop.
func TestPresentWhileOthersComeAndGo(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, dial func(t *testing.T) *nats.Transport) {
		staying := dial(t)
		enter(t, staying, "parley.stays", "stays")
		stop := comeAndGo(t, dial)
		defer stop()
		for asked := range 20 {
			present, err := staying.Present(patient(t), "room")
			if err != nil {
				t.Fatal(err)
			}
			stay := 0
			for _, r := range present {
				if string(r.Value) == "stays" {
					stay++
				}
			}
			if stay != fellows {
				t.Errorf("answer %d: %d are present of %d who stay", asked, stay, fellows)
			}
		}
	})
}

const fellows = 20 // who enter together

func room(value string) []channel.Record {
	records := make([]channel.Record, fellows)
	for i := range records {
		records[i] = channel.Record{Subject: "room", Key: fmt.Sprint(value, i), Value: []byte(value)}
	}
	return records
}

func enter(t *testing.T, transport *nats.Transport, owner, value string) {
	t.Helper()
	_, err := transport.Renew(patient(t), owner, time.Hour)
	if err == nil {
		err = transport.Enter(patient(t), owner, room(value))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// comeAndGo has owners enter and leave until it is stopped: one at a time, or with a lease
// that ends.
func comeAndGo(t *testing.T, dial func(t *testing.T) *nats.Transport) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for i, drops := range []bool{false, false, true} {
		transport, owner := dial(t), fmt.Sprint("parley.guest-", i)
		enter(t, transport, owner, owner)
		running.Go(func() {
			for j := 0; ctx.Err() == nil; j++ {
				if err := turn(t, transport, owner, j, drops); err != nil {
					t.Error(err)
				}
			}
		})
	}
	return func() { cancel(); running.Wait() }
}

func turn(t *testing.T, transport *nats.Transport, owner string, i int, drops bool) error {
	time.Sleep(time.Millisecond)
	if drops {
		_, renewed := transport.Renew(patient(t), owner, time.Hour)
		return errors.Join(renewed, transport.Enter(patient(t), owner, room(owner)),
			transport.Drop(patient(t), owner))
	}
	one := room(owner)[i%fellows:][:1]
	return errors.Join(transport.Exit(patient(t), owner, one),
		transport.Enter(patient(t), owner, one))
}
