package stateless_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/stateless"
	"github.com/parleygo/parley/worker"
)

// B8.1: a worker whose app lives from one message to the next: an instance for each
// channel, the least recently used of which goes. A message is dealt with when the next one
// is asked for, and one that an instance failed with is tried again by another.
func TestB8_1_InstancesOfAWorker(t *testing.T) {
	r := new(recorder)
	app := func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		r.add("%s begins", scope.Channel)
		for n := 1; ; n++ {
			event, err := conn.Receive(ctx)
			got, ok := event.(parley.ChannelReceive)
			if !ok {
				r.add("%s ends", scope.Channel)
				return err
			}
			r.add("%s: %d. %s, attempt %d", scope.Channel, n, got.Data, got.Attempt)
			switch string(got.Data) {
			case "fails":
				return errTest
			case "last":
				return nil
			case "once":
				if got.Attempt == 0 {
					panic("once")
				}
			}
		}
	}
	options := stateless.Options{Max: 2, Failed: r.failed}
	serveApp(t, parley.AppFunc(app), options, func(
		t *testing.T, ctx context.Context, s *stateless.Server,
	) {
		layer := channel.New(channel.Options{})
		buried := worker.Options{
			Attempts: 2, Logger: slog.New(slog.DiscardHandler),
			DeadLetter: func(_ context.Context, letter worker.DeadLetter) {
				r.add("buried after %d: %v", letter.Attempts, letter.Err)
			},
		}
		w := worker.New(layer, s, []channel.Name{"mail", "thumbs", "more"}, buried)
		working, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- w.Run(working) }()
		<-w.Ready()
		send := func(name channel.Name, text string) {
			err := layer.Send(ctx, name, channel.NewMessage("job", []byte(text)))
			wantErr(t, err, nil)
			synctest.Wait()
		}
		send("mail", "a")
		send("mail", "b")
		send("thumbs", "last")
		send("thumbs", "a")
		r.want(t, "mail begins", "mail: 1. a, attempt 0", "mail: 2. b, attempt 0",
			"thumbs begins", "thumbs: 1. last, attempt 0", "thumbs begins", "thumbs: 1. a, attempt 0")
		send("more", "a")
		r.want(t, "mail ends", "more begins", "more: 1. a, attempt 0")
		send("more", "once")
		r.want(t, "more: 2. once, attempt 0")
		time.Sleep(time.Second) // longer than the pause between attempts
		r.want(t, "more begins", "more: 1. once, attempt 1")
		send("thumbs", "fails")
		r.want(t, "thumbs: 2. fails, attempt 0")
		time.Sleep(time.Second)
		r.want(t, "thumbs begins", "thumbs: 1. fails, attempt 1", "buried after 2: test")
		if stats := w.Stats(); stats.Done != 6 || stats.Dead != 1 || stats.Retried != 2 {
			t.Errorf("stats are %+v", stats)
		}
		stop()
		wantErr(t, <-ended, nil)
		wantErr(t, layer.Close(context.Background()), nil)
	})
	if log := r.log; len(log) != 1 || log[0] != "more ends" {
		t.Errorf("log is %q", log)
	}
}
