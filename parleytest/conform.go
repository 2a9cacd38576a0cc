package parleytest

import (
	"testing"

	"github.com/parleygo/parley"
)

// Wire carries scripted clients to an app. It is what stands between [Conform]
// and a server: [Memory] and [Live] are two, and whoever has another way to serve
// an app can write a third.
//
// HTTP and WebSocket serve app to one client that acts out the script, and
// return what that client saw when its connection has ended. They clean up
// with t.Cleanup, at which point the app has returned.
type Wire interface {
	Features() Features
	HTTP(t testing.TB, app parley.App, script HTTPScript) HTTPSeen
	WebSocket(t testing.TB, app parley.App, script SocketScript) SocketSeen
}

// LifespanWire is a Wire that also runs an app's Lifespan. Adapters, which leave
// that to the program around them, are none.
type LifespanWire interface {
	Wire
	// Lifespan starts and stops a process of the app and returns the errors
	// of its start-up and its shutdown.
	Lifespan(t testing.TB, app parley.App) (startup, shutdown error)
}

// Features tells which of Conform's rules mean something on a Wire.
type Features struct {
	Network bool // there are bytes below: handshakes to refuse, frames, 100 Continue
	Debug   bool // it takes parley.HTTPResponseDebug, as only a test server does
	Drain   bool // the server can be told to stop
	Sockets bool // it carries WebSockets alone, by whatever means: HTTP is not called
}

// Test is what Conform needs of a test: [*testing.T] has it.
type Test[T any] interface {
	testing.TB
	Run(name string, test func(t T)) bool
}

// Conform checks every rule of the contract that a client or an app can observe:
// one subtest for each, named after the rule's id. A rule that means nothing on
// the wire is left out.
func Conform[T Test[T]](t T, wire Wire) {
	have := wire.Features()
	lacks := func(needs Features) bool {
		return needs.Network && !have.Network || needs.Debug && !have.Debug || needs.Drain && !have.Drain
	}
	for _, row := range httpRows() {
		if !have.Sockets && !lacks(row.needs) && !(row.lacks.Debug && have.Debug) {
			t.Run(row.rule, func(t T) { row.run(t, wire) })
		}
	}
	for _, row := range socketRows() {
		if !lacks(row.needs) {
			t.Run(row.rule, func(t T) { row.run(t, wire) })
		}
	}
	if wire, ok := wire.(LifespanWire); ok {
		for _, row := range lifespanRows {
			t.Run(row.rule, func(t T) { row.run(t, wire) })
		}
	}
}

// secret is what apps put into their errors and panics. No client may see it.
const secret = "secret of the app"
