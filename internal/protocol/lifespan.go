package protocol

import "github.com/parleygo/parley"

// LifespanState is where a lifespan conversation stands.
type LifespanState uint8

const (
	LifespanStarting LifespanState = iota // start-up not answered yet
	LifespanRunning                       // start-up complete
	LifespanStopping                      // shutdown asked for
	LifespanStopped                       // shutdown answered
	LifespanFailed                        // start-up failed
)

func (s LifespanState) String() string {
	return [...]string{"starting", "running", "stopping", "stopped", "failed"}[s]
}

// Lifespan is the order of one process lifetime. The zero value waits for the
// app's answer to start-up.
type Lifespan struct {
	state LifespanState
}

// State returns where the conversation stands.
func (l *Lifespan) State() LifespanState { return l.state }

// Shutdown tells that the server has asked the app to shut down.
func (l *Lifespan) Shutdown() {
	if l.state == LifespanRunning {
		l.state = LifespanStopping
	}
}

// Send checks an event of the app and moves on.
func (l *Lifespan) Send(event parley.Event) error {
	want, next := LifespanStarting, LifespanRunning
	switch event.(type) {
	case parley.LifespanStartupComplete:
	case parley.LifespanStartupFailed:
		next = LifespanFailed
	case parley.LifespanShutdownComplete, parley.LifespanShutdownFailed:
		want, next = LifespanStopping, LifespanStopped
	default:
		return l.refuse(event, &unknownEvent)
	}
	if l.state != want {
		return l.refuse(event, &lifespanOrder)
	}
	l.state = next
	return nil
}

func (l *Lifespan) refuse(event parley.Event, rule *Rule) error {
	return rule.refuse(l.state.String(), event)
}
