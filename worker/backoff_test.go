package worker_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/testlog"
	"github.com/parleygo/parley/worker"
)

// The default pause is doubled each time, up to 30 s, and half of it is by chance.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t)
		var at []time.Time
		app := worker.Job(func(context.Context, parley.ChannelReceive) error {
			at = append(at, time.Now())
			return errTest
		})
		w := worker.New(layer, app, []channel.Name{"jobs"}, worker.Options{Attempts: 14, Logger: silent})
		stop := run(t, w)
		send(t, layer, "jobs", "x")
		time.Sleep(time.Hour)
		if err := stop(); err != nil || len(at) != 14 {
			t.Fatalf("%v, %d attempts", err, len(at))
		}
		longest := 100 * time.Millisecond
		for i := 1; i < len(at); i++ {
			pause := at[i].Sub(at[i-1])
			if pause < longest/2 || pause > longest {
				t.Errorf("pause %d is %v, want %v to %v", i, pause, longest/2, longest)
			}
			longest = min(2*longest, 30*time.Second)
		}
	})
}

// What fails beside an app is a line of its own.
func TestLogOfFunctions(t *testing.T) {
	for want, options := range map[string]worker.Options{
		"Backoff failed":    {Backoff: func(int) time.Duration { panic("ouch") }},
		"DeadLetter failed": {DeadLetter: func(context.Context, worker.DeadLetter) { panic("ouch") }},
		"":                  {DeadLetter: func(context.Context, worker.DeadLetter) {}},
	} {
		synctest.Test(t, func(t *testing.T) {
			layer, log := newLayer(t), new(testlog.Lines)
			app := worker.Job(func(context.Context, parley.ChannelReceive) error { return errTest })
			options.Attempts, options.Logger = 2, log.Logger()
			stop := run(t, worker.New(layer, app, []channel.Name{"jobs"}, options))
			send(t, layer, "jobs", "x")
			time.Sleep(time.Minute)
			if err := stop(); err != nil {
				t.Error(err)
			}
			text := log.String()
			if got := strings.Count(text, "stack="); got != min(len(want), 1) || !strings.Contains(text,
				want) {
				t.Errorf("logged %q, want %q", log.All(), want)
			}
		})
	}
}
