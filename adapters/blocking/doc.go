// Package blocking puts handlers that block their thread, or are bound to one, on
// the bridge: it is the counterpart of WSGI. A handler runs inside one
// thread-sensitive context per request, as Django's ASGIHandler runs a synchronous
// view.
//
//	package main
//
//	import (
//		"fmt"
//		"net/http"
//		"runtime"
//
//		"github.com/parleygo/parley/adapters/blocking"
//		"github.com/parleygo/parley/adapters/nethttp"
//	)
//
//	func main() {
//		app := blocking.App(http.HandlerFunc(report), blocking.Options{})
//		http.ListenAndServe("127.0.0.1:8080", nethttp.Handler(app))
//	}
//
//	// report may call C libraries that keep state in their thread.
//	func report(w http.ResponseWriter, r *http.Request) {
//		fmt.Fprintln(w, "on one thread of", runtime.NumGoroutine(), "goroutines")
//	}
package blocking
