package channeltest

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
)

// patience is how long the suites wait for what must come: long enough for any
// machine, so that only something that never comes fails.
const patience = time.Minute

func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// unique makes a name that no other test on the same server has.
func unique(name string) string { return name + "." + rand.Text() }

// payloads collects what a subscription delivers.
type payloads chan string

func collect(
	t *testing.T, transport channel.Transport, subject string,
) (payloads, channel.Subscription) {
	t.Helper()
	got := make(payloads, 10_000) // deliver must not block
	sub, err := transport.Subscribe(patient(t), subject, func(payload []byte) {
		got <- string(payload)
	})
	if err != nil {
		t.Fatalf("subscribe: %v", err)
	}
	return got, sub
}

func (p payloads) next(t *testing.T) string {
	t.Helper()
	select {
	case payload := <-p:
		return payload
	case <-patient(t).Done():
		t.Fatal("nothing was delivered")
		return ""
	}
}

func (p payloads) want(t *testing.T, want ...string) {
	t.Helper()
	for _, want := range want {
		if got := p.next(t); got != want {
			t.Fatalf("delivered %.100q, want %.100q", got, want)
		}
	}
}

func publish(t *testing.T, transport channel.Transport, subject string, payloads ...string) {
	t.Helper()
	for _, payload := range payloads {
		if err := transport.Publish(patient(t), subject, []byte(payload)); err != nil {
			t.Fatalf("publish: %v", err)
		}
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for ctx := patient(t); !is(); time.Sleep(20 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatalf("it never came about that %s", what)
		}
	}
}
