//go:build unix

package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"

	"github.com/alitto/pond/v2"
	"github.com/panjf2000/ants/v2"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/router"
	"golang.org/x/sync/errgroup"
)

// routers find one of the API's routes, with a writer that does nothing.
var routers = map[string]func() server{
	"route/mux":     func() server { return finds(muxAPI()) },
	"route/chi":     func() server { return finds(chiAPI()) },
	"route/gin":     func() server { return finds(ginAPI()) },
	"route/kit":     func() server { return kitFinds(fromScope(), scopeParts) },
	"route/request": func() server { return kitFinds(new(router.URLs), requestParts) },
	"route/native":  func() server { return finds(routed().handler) },
}

type nowhere struct{ header http.Header }

func (w nowhere) Header() http.Header       { return w.header }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

// discard is not seen through: to write costs every server's handler the same.
//
//go:noinline
func discard() http.ResponseWriter { return nowhere{make(http.Header)} }

// requests are fresh: a router may keep what it found in the request.
func requests() []http.Request {
	list := make([]http.Request, routes)
	for i := range list {
		path, _ := question(i)
		list[i] = *httptest.NewRequest(http.MethodGet, path, nil)
	}
	return list
}

func finds(handler http.Handler) server {
	list, r, w := requests(), new(http.Request), discard()
	return server{work: func(n int) {
		for i := range n {
			*r = list[i%routes]
			handler.ServeHTTP(w, r)
		}
	}}
}

// kitFinds has the router alone, with apps that write what the peers' handlers write.
func kitFinds(urls *router.URLs, part func(scope *parley.Scope, name string) string) server {
	w := discard()
	kitRoutes(urls, parley.AppFunc(func(_ context.Context, scope *parley.Scope, _ parley.Conn) error {
		w.Header()["Content-Type"] = textPlain
		w.Write([]byte(part(scope, "part") + " of " + part(scope, "id")))
		return nil
	}))
	list := requests()
	scope := &parley.Scope{Protocol: parley.HTTP, Request: new(http.Request)}
	return server{work: func(n int) {
		for i := range n {
			*scope.Request = list[i%routes]
			if err := urls.Serve(context.Background(), scope, nil); err != nil {
				panic(err)
			}
		}
	}}
}

func scopeParts(scope *parley.Scope, name string) string { return scope.PathValue(name) }

func requestParts(scope *parley.Scope, name string) string { return scope.Request.PathValue(name) }

// callers have an empty function called somewhere else and wait for its result, for
// 64 goroutines at a time.
var callers = map[string]func() server{
	"call/channel": throughChannel, "call/errgroup": throughErrgroup, "call/ants": throughAnts,
	"call/pond": throughPond, "call/kit": throughBridge,
}

const callersAtOnce = 64

// crowded spreads n calls over the callers.
func crowded(call func()) server {
	return server{work: func(n int) {
		var all sync.WaitGroup
		for range callersAtOnce {
			all.Go(func() {
				for range max(1, n/callersAtOnce) {
					call()
				}
			})
		}
		all.Wait()
	}}
}

func throughChannel() server {
	jobs := make(chan chan int)
	for range callersAtOnce {
		go func() {
			for result := range jobs {
				result <- 1
			}
		}()
	}
	return crowded(func() {
		result := make(chan int, 1)
		jobs <- result
		<-result
	})
}

func throughErrgroup() server {
	return crowded(func() {
		var group errgroup.Group
		group.Go(func() error { return nil })
		group.Wait()
	})
}

func throughAnts() server {
	pool, err := ants.NewPool(callersAtOnce)
	if err != nil {
		panic(err)
	}
	return crowded(func() {
		result := make(chan int, 1)
		if err := pool.Submit(func() { result <- 1 }); err != nil {
			panic(err)
		}
		<-result
	})
}

func throughPond() server {
	pool := pond.NewResultPool[int](callersAtOnce)
	return crowded(func() {
		if _, err := pool.Submit(func() int { return 1 }).Wait(); err != nil {
			panic(err)
		}
	})
}

func throughBridge() server {
	b, err := bridge.New(bridge.Options{Capacity: callersAtOnce})
	if err != nil {
		panic(err)
	}
	ctx := bridge.With(context.Background(), b)
	call := bridge.SyncToAsync(func(context.Context, int) (int, error) { return 1, nil })
	return crowded(func() {
		if _, err := call(ctx, 1).Await(ctx); err != nil {
			panic(err)
		}
	})
}

// manyGroups sends to one group after the other, far apart, so that none is in the
// processor's cache if there are many.
func manyGroups() server {
	const members = 4
	layer := channel.New(channel.Options{})
	var groups []channel.Group
	sink := func(channel.Message) channel.Verdict { return channel.Accepted }
	next, data := 0, channel.NewMessage("news", make([]byte, 128))
	return server{prepare: func(n int) {
		for i := range n {
			groups = append(groups, channel.Group("room."+strconv.Itoa(i)))
			for range members {
				inbox, err := layer.Open(context.Background(), channel.InboxOptions{Deliver: sink})
				if err == nil {
					err = inbox.Join(context.Background(), groups[i])
				}
				if err != nil {
					panic(err)
				}
			}
		}
	}, work: func(n int) {
		const stride = 7919 // a prime that divides no number of groups
		for range n {
			next = (next + stride) % len(groups)
			if result, err := layer.GroupSend(context.Background(), groups[next], data); err != nil ||
				result.Enqueued != members {
				panic(fmt.Sprint(result, err))
			}
		}
	}}
}
