// Package leakguard tells in the log of apps that go on when their conversation has long
// been over: of each once, with what its goroutine is doing.
//
// A conversation costs nothing for that. The goroutine is found when it is needed, by a
// frame on its stack whose receiver is the conversation.
package leakguard

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley/internal/usercode"
)

// Guard reports apps, and counts them.
type Guard struct {
	After  time.Duration // how long an app may go on
	Logger *slog.Logger
	leaked atomic.Uint64
}

// Overdue is an app that goes on, and the conversation that is over.
type Overdue struct {
	Protocol, Route, Path string
	Age                   time.Duration // of the conversation
	Cause                 error         // of its end
	Frame                 string        // a method on the app's stack: "socket.(*Conn).run"
	Of                    any           // its receiver, a pointer
}

// Report writes a line about an app.
func (g *Guard) Report(app Overdue) {
	g.leaked.Add(1)
	_ = usercode.Run(func() error { // a handler of log records is the program's
		g.Logger.LogAttrs(context.Background(), slog.LevelWarn, "parley: app outlives its conversation",
			slog.String("protocol", app.Protocol), slog.String("route", app.Route),
			slog.String("path", app.Path), slog.Duration("age", app.Age), slog.Any("cause", app.Cause),
			slog.String("stack", stack(app.Frame, fmt.Sprintf("%p", app.Of))))
		return nil
	})
}

// Leaked is how many were reported.
func (g *Guard) Leaked() uint64 { return g.leaked.Load() }

// Watch looks after one app that runs on a goroutine of its own. The zero value waits
// for the end of the conversation.
type Watch struct {
	timer atomic.Pointer[time.Timer] // or returned
}

// returned stands for the timer of an app that has returned.
var returned = new(time.Timer)

// Ended notes that the conversation is over. If the app goes on for after, report is
// called.
func (w *Watch) Ended(after time.Duration, report func()) {
	if w.timer.Load() != nil {
		return
	}
	timer := time.AfterFunc(after, func() {
		if w.timer.Load() != returned {
			report()
		}
	})
	if !w.timer.CompareAndSwap(nil, timer) {
		timer.Stop()
	}
}

// Returned notes that the app has returned.
func (w *Watch) Returned() {
	if timer := w.timer.Swap(returned); timer != nil && timer != returned {
		timer.Stop()
	}
}
