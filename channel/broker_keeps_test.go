package channel_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/channel"
)

// A lease by the broker's clock: what each renewal finds.
func TestBrokerLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		leases := broker.Connect().(channel.Leases)
		renew := func(want channel.LeaseState) {
			t.Helper()
			if state, err := leases.Renew(ctx, "t.a", time.Second); err != nil || state != want {
				t.Errorf("%v, %v, want %v", state, err, want)
			}
		}
		renew(channel.LeaseNew)
		time.Sleep(time.Second - 1)
		renew(channel.LeaseKept)
		broker.Forget()
		renew(channel.LeaseForgotten)
		time.Sleep(time.Second)
		broker.Forget()
		renew(channel.LeaseNew)
		time.Sleep(time.Second)
		if lapsed, err := leases.Lapsed(ctx); err != nil || len(lapsed) != 1 || lapsed[0].Owner != "t.a" {
			t.Errorf("%v, %v", lapsed, err)
		}
		renew(channel.LeaseNew)
	})
}

// What befalls a broker: logs begin another epoch, and each transport is told once.
func TestBrokerForgetsAndInterrupts(t *testing.T) {
	var broker channel.Broker
	one, two := broker.Connect(), broker.Connect()
	var told []string
	for _, transport := range []channel.Transport{one, two} {
		transport.(channel.Interrupter).OnInterrupt(func(subjects []string) {
			told = append(told, subjects...)
		})
	}
	keep := channel.Keep{Messages: 10, Age: time.Hour, Bytes: 100}
	log := one.(channel.Log)
	var offsets []uint64
	for range 2 {
		if _, err := log.Follow(ctx, "a", func(e channel.Entry) {
			offsets = append(offsets, e.Position.Offset)
		}); err != nil {
			t.Fatal(err)
		}
	}
	before, _ := log.Append(ctx, "a", nil, keep)
	broker.Interrupt()
	broker.Forget()
	after, err := log.Append(ctx, "a", nil, keep)
	if err != nil || before.Epoch == after.Epoch || after.Offset != 1 ||
		!slices.Equal(offsets, []uint64{1, 1, 1, 1}) || !slices.Equal(told, []string{"a"}) {
		t.Errorf("%v, %v, %v, %v, %v", before, after, err, offsets, told)
	}
}

// A transport that is closed has nobody wait for a job.
func TestBrokerCloseEndsTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		transport := broker.Connect()
		go func() {
			synctest.Wait() // until Take waits
			_ = transport.Close(ctx)
		}()
		began := time.Now()
		_, err := transport.(channel.Jobs).Take(ctx, "jobs", 1, time.Minute)
		if waited := time.Since(began); !errors.Is(err, channel.ErrClosed) || waited != 0 {
			t.Errorf("take: %v after %v", err, waited)
		}
	})
}
