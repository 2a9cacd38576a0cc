// Package bridge lets blocking and thread-bound code live under goroutines safely.
//
// A goroutine inside a cgo call or an uninterruptible system call holds an OS thread, and a Go program with more than
// 10 000 threads is killed. Code that must stay on one thread (COM, OpenGL, network namespaces, C libraries with
// thread-local state) hangs as soon as it waits for something that needs its thread. The bridge bounds the first and
// serves the second.
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//		"log"
//		"net/http"
//
//		"github.com/parleygo/parley/bridge"
//	)
//
//	// blocking is any function that may block its thread: here it stands for a call into C.
//	func blocking(ctx context.Context, id string) (string, error) { return "user " + id, nil }
//
//	var load = bridge.SyncToAsync(blocking)
//
//	func main() {
//		b, err := bridge.New(bridge.Options{Capacity: 32}) // at most 32 threads block
//		if err != nil {
//			log.Fatal(err)
//		}
//		http.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) {
//			ctx, end := bridge.ThreadSensitive(bridge.With(r.Context(), b)) // leave out if any thread will do
//			defer end()
//			name, err := load(ctx, r.PathValue("id")).Await(ctx)
//			if err != nil {
//				http.Error(w, err.Error(), http.StatusServiceUnavailable)
//				return
//			}
//			fmt.Fprintln(w, name)
//		})
//		log.Fatal(http.ListenAndServe("127.0.0.1:8080", nil))
//	}
//
// # Pool
//
// [SyncToAsync] makes a blocking function one that returns a [Future] at once. Its calls run on the pool of a [Bridge],
// where at most Options.Capacity functions are at work; the others wait their turn, first come first served. A function
// that waits inside the bridge lends its place to the calls below it, so nesting cannot starve.
//
// # Lane
//
// A [Lane] runs its calls one at a time on one OS thread of its own. A context decides which lane: that of the scope, key
// or host entered last. The same wrapper runs on the lane where there is one, and on the pool elsewhere. [Pooled] and
// [Sensitive] insist on one or the other.
//
// # Scope
//
// [ThreadSensitive] binds a lane to a context, typically for one request; [Keyed] one to a key; [Host] lends the
// caller's own thread, such as main's. A scope that makes no call costs one allocation and no thread.
//
// # Serve
//
// While a function on a lane waits inside the bridge (for a Future, or in [AsyncToSync]), its thread runs the lane calls
// made below it. Work is recognised by the context it carries, so pass on the context you were given. Calls of others
// wait until the function is over. What the bridge cannot see, such as a wait for a channel, it cannot serve.
//
// # Failure
//
// An error comes back unchanged and a panic as a [parley.PanicError]; neither disturbs anybody else. A cancelled call that has
// not begun never runs; one that runs decides itself, so that no function goes on behind its caller's back, unless
// [Abandon] asks for that. Go's fatal errors (concurrent map writes, for one) end the process here as anywhere.
package bridge
