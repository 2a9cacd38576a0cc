package protocol_test

import (
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

var (
	ready     = parley.LifespanStartupComplete{}
	unready   = parley.LifespanStartupFailed{}
	stopped   = parley.LifespanShutdownComplete{}
	unstopped = parley.LifespanShutdownFailed{}
)

// shutdown stands for the server's question in a list of events.
type shutdown struct{}

func (shutdown) EventType() string { return "shutdown" }

func sendLifespan(l *protocol.Lifespan, event parley.Event) error {
	if event == (shutdown{}) {
		l.Shutdown()
		return nil
	}
	return l.Send(event)
}

// TestLifespanRules sends before, which is in order, and then event.
func TestLifespanRules(t *testing.T) {
	for _, row := range []struct {
		rule   string
		before []parley.Event
		event  parley.Event
		state  string
	}{
		{"A8.order", nil, stopped, "starting"},
		{"A8.order", nil, unstopped, "starting"},
		{"A8.order", []parley.Event{shutdown{}}, stopped, "starting"},
		{"A8.order", []parley.Event{ready}, ready, "running"},
		{"A8.order", []parley.Event{ready}, unready, "running"},
		{"A8.order", []parley.Event{ready}, stopped, "running"},
		{"A8.order", []parley.Event{unready}, ready, "failed"},
		{"A8.order", []parley.Event{unready, shutdown{}}, stopped, "failed"},
		{"A8.order", []parley.Event{ready, shutdown{}}, ready, "stopping"},
		{"A8.order", []parley.Event{ready, shutdown{}, stopped}, stopped, "stopped"},
		{"A8.order", []parley.Event{ready, shutdown{}, unstopped}, stopped, "stopped"},
		{"A1.5", nil, start, "starting"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			var l protocol.Lifespan
			for _, event := range row.before {
				expect(t, event, sendLifespan(&l, event), nil)
			}
			expect(t, row.event, sendLifespan(&l, row.event), &broken{row.state, row.rule, parley.ErrUnexpectedEvent})
		})
	}
}

func FuzzLifespan(f *testing.F) {
	f.Add([]byte{0, 4, 2})
	f.Add([]byte{4, 1, 4, 3})
	events := []parley.Event{ready, unready, stopped, unstopped, shutdown{}, start}
	f.Fuzz(func(t *testing.T, order []byte) {
		var l protocol.Lifespan
		answers := 0
		for _, b := range order {
			was, event := l.State(), events[int(b)%len(events)]
			err := sendLifespan(&l, event)
			if err == nil && event != (shutdown{}) {
				answers++
			}
			if err != nil && l.State() != was || answers > 2 {
				t.Errorf("%s: %v to %v, %d answers", event.EventType(), was, l.State(), answers)
			}
		}
	})
}
