// Package parleytest drives an app without a network: no socket, no port, no
// sleep. What a driver answers comes from the same state machines as the live
// adapters', so that what passes here passes in production.
//
// A whole exchange is one call:
//
//	func TestHello(t *testing.T) {
//		got := parleytest.Do(t, hello, httptest.NewRequest("GET", "/hello", nil))
//		if got.Status != 200 || got.Body != "hello" {
//			t.Errorf("got %d %q", got.Status, got.Body)
//		}
//	}
//
// [Start] and [Upload] give an [Exchange] that is read, fed and interrupted
// while the app runs. [Dial] gives a [Socket], [Run] a [Process]:
//
//	func TestEcho(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			ws := parleytest.Dial(t, echo, httptest.NewRequest("GET", "/echo", nil))
//			ws.Send(parley.Text("hi"))
//			if got := ws.Receive().Text(); got != "hi" {
//				t.Errorf("got %q", got)
//			}
//			if !ws.Quiet() {
//				t.Error("one message too many")
//			}
//			ws.Close(parley.CloseNormal, "")
//			if err := ws.Wait(); !errors.Is(err, parley.ErrDisconnected) {
//				t.Error(err)
//			}
//		})
//	}
//
// Inside a [testing/synctest] bubble time is virtual and [Socket.Quiet] is
// exact. Outside a bubble everything works too, in real time.
//
// Every driver shows both sides. The client's side is what a browser would
// have seen: 500 for an app that did not answer, a truncated body, code 1006
// for a denied handshake whatever the denial said. The server's side is what
// the app returned ([Exchange.Wait]) and every event that it sent, with the
// answer it got ([Exchange.Sent]).
//
// A driver belongs to its test: it fails it when the app keeps it waiting for
// longer than [Patience], logs a panic of the app, and when the test ends it
// takes the client away and waits for the app to return. Its methods are called
// from the test's goroutine.
//
// [Conform] is the other half: the rules of the contract as a test suite, for
// whoever writes an adapter.
package parleytest
