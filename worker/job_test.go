package worker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/worker"
)

// What a worker's app meets besides its message.
func TestConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t)
		var kept context.Context
		app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			kept = ctx
			first, _ := conn.Receive(ctx)
			second, _ := conn.Receive(ctx)
			end := parley.ChannelDisconnect{Cause: parley.ErrFinished}
			if _, ok := first.(parley.ChannelReceive); !ok || second != end || scope.Channel != "jobs" {
				t.Errorf("%v, %v of %q", first, second, scope.Channel)
			}
			for _, event := range []parley.Event{parley.WebSocketClose{}, nil} {
				if err := conn.Send(ctx, event); !errors.Is(err, parley.ErrUnexpectedEvent) {
					t.Error(err)
				}
			}
			return nil
		})
		w := worker.New(layer, app, []channel.Name{"jobs"}, worker.Options{})
		stop := run(t, w)
		send(t, layer, "jobs", "x")
		synctest.Wait()
		if !errors.Is(context.Cause(kept), parley.ErrFinished) {
			t.Errorf("the context of a job that has ended: %v", context.Cause(kept))
		}
		if err := stop(); err != nil || w.Stats().Done != 1 {
			t.Errorf("%v, %+v", err, w.Stats())
		}
	})
}

// says is a conn whose Receive answers as it is told.
type says struct {
	parley.Conn
	event parley.Event
	err   error
}

func (s says) Receive(context.Context) (parley.Event, error) { return s.event, s.err }

func TestJobRefuses(t *testing.T) {
	job := worker.Job(func(context.Context, int) error { t.Error("called"); return nil })
	for _, test := range []struct {
		protocol parley.Protocol
		conn     says
		want     error
	}{
		{parley.HTTP, says{}, errors.ErrUnsupported},
		{parley.Lifespan, says{}, errors.ErrUnsupported},
		{parley.Channel, says{err: errTest}, errTest},
		{parley.Channel, says{event: parley.ChannelDisconnect{}}, parley.ErrUnexpectedEvent},
		{parley.Channel, says{event: parley.ChannelReceive{Data: []byte(`"x"`)}}, worker.ErrReject},
	} {
		err := job.Serve(t.Context(), &parley.Scope{Protocol: test.protocol}, test.conn)
		if !errors.Is(err, test.want) {
			t.Errorf("%v: %v, want %v", test.conn, err, test.want)
		}
	}
}

// FuzzJob: whatever is sent, a job is called or the message rejected.
func FuzzJob(f *testing.F) {
	for _, seed := range []string{`{"text":"a"}`, `{`, ``, `null`, `[]`, `{"text":1}`, "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		called := false
		job := worker.Job(func(context.Context, note) error { called = true; return nil })
		conn := says{event: parley.ChannelReceive{Data: data}}
		err := job.Serve(t.Context(), &parley.Scope{Protocol: parley.Channel}, conn)
		if called != (err == nil) || err != nil && !errors.Is(err, worker.ErrReject) {
			t.Errorf("%q: called %v, %v", data, called, err)
		}
	})
}
