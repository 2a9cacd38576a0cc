package nethttp_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// endlessDenial denies a handshake for as long as it may, and tells how that ended.
func endlessDenial(ended chan<- error) parley.App {
	return parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		err := conn.Send(ctx, parley.WebSocketResponseStart{Status: 404})
		for err == nil {
			err = conn.Send(ctx, parley.WebSocketResponseBody{Body: make([]byte, 1<<20), More: true})
		}
		ended <- context.Cause(ctx)
		return err
	})
}

// TestDenialIsBoundByTheWriteTimeout: a client that does not read what it is denied with
// costs no more than one that does not read another answer.
func TestDenialIsBoundByTheWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		g := gateway(endlessDenial(ended), nethttp.Options{WriteTimeout: time.Minute})
		client := adaptertest.ServeInBubble(t, g).Dial()
		client.Say("%s", getting("/", upgrade...))
		client.RawHead()
		began := time.Now()
		if cause := <-ended; !errors.Is(cause, parley.ErrSlowConsumer) || time.Since(began) != time.Minute {
			t.Errorf("ended with %v after %v", cause, time.Since(began))
		}
	})
}

// TestDenialHoldsUpNobody: neither a drain nor an operator waits for a client to read
// what it is denied with.
func TestDenialHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		g := gateway(endlessDenial(ended), nethttp.Options{WriteTimeout: -1})
		client := adaptertest.ServeInBubble(t, g).Dial()
		client.Say("%s", getting("/", upgrade...))
		client.RawHead()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := g.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("drained: %v", err)
		}
		for seen := range g.Conversations() {
			g.End(seen.ID, parley.ErrKicked)
		}
		client.Close()
		if cause := <-ended; cause != parley.ErrKicked {
			t.Errorf("ended with %v", cause)
		}
	})
}
