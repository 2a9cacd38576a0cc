// Package bridge lets blocking and thread-bound code live under goroutines safely.
//
// A goroutine inside a cgo call or an uninterruptible system call holds an OS thread, and a Go
// program with more than 10 000 threads is killed. Code that must stay on one thread (COM, OpenGL,
// network namespaces, C libraries with thread-local state) hangs as soon as it waits for something
// that needs its thread. The bridge bounds the first and serves the second.
//
// # Glossary
//
//   - bridge: the owner of one pool and of lanes, with their limits: [Bridge].
//   - call: one run of a function on the bridge. A job is the same, seen by whoever runs it.
//   - pool: where functions run that may run on any thread, side by side.
//   - token: what a pooled function needs to be at work. There are Options.Capacity of them.
//   - lane: an executor that runs its jobs one at a time on one OS thread of its own: [Lane].
//   - scope: binds a lane to a context, from [ThreadSensitive] or [NewScope] to end.
//   - key: binds a lane to a value: [Keyed].
//   - host: a goroutine that lends its own thread as a lane: [Host].
//   - below: made with the context that a function was given, or with one derived from it; or made
//     on the lane's thread while the function runs there.
//   - root call: one made below no running function.
//   - wait: to be inside Await, [All] and its kin, [AsyncToSync], Host or Close; to have the Done
//     channel of a call that is not complete.
//   - serve: to run, on a lane's thread that waits, the lane calls made below the waiting function.
//   - walk: to range over what [Iterate] returns; each of its steps is a call.
//   - abandon: to go on without a function that runs: [Abandon].
//   - withdraw: to end a call that has not begun.
//
// # A program
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
//	func main() {
//		b, err := bridge.New(bridge.Options{Capacity: 32}) // at most 32 threads block
//		if err != nil {
//			log.Fatal(err)
//		}
//		http.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) {
//			ctx := bridge.With(r.Context(), b)
//			name, err := bridge.Call(ctx, blocking, r.PathValue("id"), bridge.Pooled())
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
// [Call] and [Do] run a function on the bridge and wait for it. [SyncToAsync] makes of a blocking
// function one that returns a [Future] at once. In the pool at most Options.Capacity functions are
// at work; other calls wait their turn, first come first served. A function that waits puts its
// token down, and the calls that functions wait for may take any token. So nesting cannot starve,
// at any capacity, over any number of bridges.
//
// # Lane
//
// A context decides which lane: that of the scope, key or host entered last. The same wrapper runs
// on the lane where there is one, and on the pool elsewhere. [Pooled] and [Sensitive] insist on one
// or the other: a library that does not know its caller's context says one of them.
//
// # Iterator
//
// [Iterate] walks an iterator whose steps block: rows of a query, files of a slow disk. Each step
// is a call, on one lane from the first to the clean-up, or on the pool.
//
// # Scope
//
// [ThreadSensitive] binds a lane to a context, typically for one request; Keyed one to a key; Host
// lends the caller's own thread, such as main's. A scope that makes no call costs one allocation
// and no thread. A scope whose end is forgotten keeps its thread; when lanes run out, the bridge
// tells which.
//
// # Serve
//
// While a function on a lane waits, its thread serves. Work is recognised by the context it
// carries, so pass on the context you were given. Calls of others wait until the function is over.
// What the bridge cannot see, such as a wait for a channel, it cannot serve. Lanes that wait for
// each other's queues in a ring would wait for ever: one of the waits fails with [ErrDeadlock].
//
// # Failure
//
// An error comes back unchanged and a panic as a [parley.PanicError]; neither disturbs anybody
// else. A cancelled call that has not begun never runs, whether somebody awaits it or not. One that
// runs decides itself, so that no function goes on behind its caller's back, unless Abandon asks
// for that. Go's fatal errors (concurrent map writes, for one) end the process here as anywhere.
//
// # Looking
//
// [Bridge.Stats] counts; [Bridge.Lanes] tells of each lane which function stands on its thread, how
// many calls wait behind it, and what it waits for itself. Neither costs anything while nobody asks.
// Options.Slow is told of queues in which calls wait long.
//
// # Platforms
//
// On Linux, macOS and Windows the bridge knows a lane by its thread. Elsewhere (FreeBSD and others)
// Go tells no thread's id, and the context must do. There a function on a lane calls and waits with
// the very context it was given, and does not hand that to goroutines that call or wait with it:
// they would be taken for the lane's thread. Give them one from [AsyncToSync], or from outside. And
// there a lane may get the process's main thread.
package bridge
