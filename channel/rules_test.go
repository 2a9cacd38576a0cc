package channel_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/channel"
)

// Layers that disagree about what is kept say so, whichever of them sends.
func TestMismatchedRules(t *testing.T) {
	rule := func(pattern string, messages int) []channel.HistoryRule {
		return []channel.HistoryRule{{Pattern: pattern, Keep: channel.Keep{Messages: messages}}}
	}
	for name, test := range map[string]struct {
		sender, reader []channel.HistoryRule
		noticed, comes bool
	}{
		"the same":            {rule("room*", 7), rule("room*", 7), false, true},
		"none":                {nil, nil, false, true},
		"alike for the group": {rule("room*", 7), rule("room", 7), false, true},
		"other bounds":        {rule("room*", 7), rule("room*", 8), true, true},
		"only the sender's":   {rule("room*", 7), nil, true, false},
		"only the reader's":   {rule("x", 7), rule("room*", 7), true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var broker channel.Broker
				var log bytes.Buffer
				sender := newLayer(t, channel.Options{
					Transport: broker.Connect(), History: test.sender})
				reader := newLayer(t, channel.Options{
					Transport: broker.Connect(), History: test.reader,
					Logger: slog.New(slog.NewTextHandler(&log, nil))})
				in := open(t, reader, channel.InboxOptions{})
				join(t, in, "room")
				for range 10 {
					if _, err := sender.GroupSend(ctx, "room", text("x")); err != nil {
						t.Fatal(err)
					}
				}
				synctest.Wait()
				stats := reader.Stats()
				if came := stats.Enqueued == 10; came != test.comes {
					t.Errorf("%d have come", stats.Enqueued)
				}
				logged := strings.Count(log.String(), "other rules of history")
				if noticed := stats.Mismatches > 0; noticed != test.noticed ||
					logged != map[bool]int{true: 1}[noticed] || stats.BadEnvelopes > 0 {
					t.Errorf("%+v, logged %d times", stats, logged)
				}
				if got := sender.Stats().Mismatches; got != 0 {
					t.Errorf("the sender has noticed %d", got)
				}
			})
		})
	}
}

// Rules are told once a minute at most, however much is sent.
func TestRulesAreToldSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		layer := newLayer(t, channel.Options{Transport: broker.Connect(),
			History: []channel.HistoryRule{{Pattern: "*"}}})
		const sends = 200
		for range sends {
			if _, err := layer.GroupSend(ctx, "room", text("x")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if got := layer.Stats().Published; got != sends+4 {
			t.Errorf("%d envelopes for %d messages", got, sends)
		}
	})
}
