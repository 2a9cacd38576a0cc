package worker_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/worker"
)

// B8.1: a worker that is stopped gives jobs their grace.
func TestGrace(t *testing.T) {
	for _, test := range []struct {
		grace, takes, want time.Duration
		dead               uint64
	}{
		{0, time.Hour, 10 * time.Second, 1},
		{time.Second, time.Hour, time.Second, 1},
		{time.Second, time.Millisecond, time.Millisecond, 0},
		{-1, time.Hour, time.Hour, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			layer, graves := newLayer(t), &graveyard{}
			app := worker.Job(func(ctx context.Context, _ parley.ChannelReceive) error {
				select {
				case <-ctx.Done():
					return context.Cause(ctx)
				case <-time.After(test.takes):
					return nil
				}
			})
			w := worker.New(layer, app, []channel.Name{"jobs"},
				worker.Options{DeadLetter: graves.take, Grace: test.grace, Logger: silent})
			stop := run(t, w)
			send(t, layer, "jobs", "x")
			synctest.Wait()
			began := time.Now()
			if err := stop(); err != nil || time.Since(began) != test.want || w.Stats().Dead != test.dead {
				t.Errorf("%v after %v, %+v", err, time.Since(began), w.Stats())
			}
			if test.dead == 1 && !errors.Is(graves.list[0].Err, parley.ErrDraining) {
				t.Errorf("%+v", graves.list)
			}
		})
	}
}

// What a worker has not begun when it is stopped is a dead letter where it was
// the only one, and so is what waits for another attempt.
func TestStoppedAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer, graves := newLayer(t), &graveyard{}
		app := worker.Job(func(context.Context, parley.ChannelReceive) error { return errTest })
		w := worker.New(layer, app, []channel.Name{"jobs"}, worker.Options{
			DeadLetter: graves.take, Logger: silent,
			Backoff: func(int) time.Duration { return time.Hour },
		})
		stop := run(t, w)
		send(t, layer, "jobs", "tried", "a", "b")
		synctest.Wait()
		if err := stop(); err != nil || w.Stats() != (worker.Stats{Dead: 3}) {
			t.Errorf("%v, %+v", err, w.Stats())
		}
		attempts := map[string]int{}
		for _, letter := range graves.list {
			attempts[string(letter.Message.Payload())] = letter.Attempts
			tried := letter.Attempts > 0
			if !errors.Is(letter.Err, parley.ErrDraining) || errors.Is(letter.Err, errTest) != tried {
				t.Errorf("%q: %v", letter.Message.Payload(), letter.Err)
			}
		}
		if attempts["tried"] != 1 || attempts["a"] != 0 || len(attempts) != 3 {
			t.Errorf("attempts %v", attempts)
		}
		if stats := layer.Stats(); stats.Discarded != 0 || stats.Inboxes != 0 {
			t.Errorf("%+v", stats)
		}
	})
}

// Where another process has a worker, that one goes on.
func TestGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := new(channel.Broker)
		first := channel.New(channel.Options{Transport: broker.Connect()})
		second := channel.New(channel.Options{Transport: broker.Connect()})
		graves := &graveyard{}
		busy := worker.New(first, worker.Job(func(ctx context.Context, m parley.ChannelReceive) error {
			if string(m.Data) == "begun" {
				time.Sleep(time.Second)
				return nil
			}
			return errTest
		}), []channel.Name{"jobs"}, worker.Options{
			DeadLetter: graves.take, Logger: silent, Concurrency: 2,
			Backoff: func(int) time.Duration { return time.Hour },
		})
		stop := run(t, busy)
		send(t, first, "jobs", "begun", "tried", "a", "b")
		synctest.Wait()

		var got []string
		other := worker.New(second, worker.Job(func(_ context.Context, m parley.ChannelReceive) error {
			got = append(got, string(m.Data))
			return nil
		}), []channel.Name{"jobs"}, worker.Options{})
		stopOther := run(t, other)
		if err := stop(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		slices.Sort(got)
		if want := []string{"a", "b", "tried"}; !slices.Equal(got, want) || len(graves.list) > 0 {
			t.Errorf("the other got %q, want %q; dead letters %v", got, want, graves.list)
		}
		if want := (worker.Stats{Done: 1, Returned: 3}); busy.Stats() != want {
			t.Errorf("%+v, want %+v", busy.Stats(), want)
		}
		if err := stopOther(); err != nil {
			t.Error(err)
		}
		for _, layer := range []*channel.Layer{first, second} {
			if err := layer.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// Run fails where it cannot work, and when its layer is closed.
func TestRunFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer, graves := newLayer(t), &graveyard{}
		idle := worker.Job(func(context.Context, parley.ChannelReceive) error { return nil })
		w := worker.New(layer, idle, []channel.Name{"jobs"}, worker.Options{})
		result := make(chan error)
		go func() { result <- w.Run(t.Context()) }()
		<-w.Ready()
		second := worker.New(layer, idle, []channel.Name{"free", "jobs"},
			worker.Options{DeadLetter: graves.take})
		if err := second.Run(t.Context()); !errors.Is(err, channel.ErrTaken) {
			t.Errorf("twice: %v", err)
		}
		select {
		case <-second.Ready():
			t.Error("ready without its channels")
		default:
		}
		err := layer.Send(t.Context(), "free", channel.NewMessage("job", nil))
		if !errors.Is(err, channel.ErrNoInbox) {
			t.Errorf("a channel is left open: %v", err)
		}
		if err := layer.Kick(t.Context(), "jobs", errTest); err != nil {
			t.Error(err)
		}
		if err := <-result; !errors.Is(err, errTest) {
			t.Errorf("kicked: %v", err)
		}
		stop := run(t, second) // may be run again
		if err := stop(); err != nil {
			t.Error(err)
		}
		go func() { result <- w.Run(t.Context()) }()
		synctest.Wait()
		if err := layer.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-result; !errors.Is(err, parley.ErrDraining) {
			t.Errorf("closed: %v", err)
		}
	})
}

// A worker whose context has ended already has nothing to do.
func TestRunEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	idle := worker.Job(func(context.Context, parley.ChannelReceive) error { return nil })
	w := worker.New(newLayer(t), idle, []channel.Name{"jobs"}, worker.Options{})
	if err := w.Run(ctx); err != nil {
		t.Error(err)
	}
}

// A job that is given back to an inbox whose own function ends its sender's goroutine is
// a dead letter, and the worker comes to its end.
func TestGivenBackToWhoEndsGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer, graves := newLayer(t), &graveyard{}
		app := worker.Job(func(context.Context, parley.ChannelReceive) error { return errTest })
		takeOver := func() error { // as soon as the worker has let go of the name
			_, err := layer.Open(t.Context(), channel.InboxOptions{
				Name: "jobs", Deliver: func(channel.Message) channel.Verdict {
					runtime.Goexit()
					return channel.Accepted
				}})
			return err
		}
		w := worker.New(layer, app, []channel.Name{"jobs"}, worker.Options{
			DeadLetter: graves.take, Logger: silent,
			Backoff: func(int) time.Duration {
				for takeOver() != nil {
					time.Sleep(time.Millisecond)
				}
				return time.Hour
			},
		})
		stop := run(t, w)
		send(t, layer, "jobs", "x")
		time.Sleep(time.Second)
		if err := stop(); err != nil || w.Stats().Dead != 1 || !errors.Is(graves.list[0].Err, parley.ErrGoexit) {
			t.Errorf("%v, %+v, %+v", err, w.Stats(), graves.list)
		}
	})
}
