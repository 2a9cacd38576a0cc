package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/router"
	"github.com/parleygo/parley/server"
)

// ask sends a request, and prints the answer.
func ask(url string) {
	answer, err := http.Get(url)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	fmt.Printf("%d %s", answer.StatusCode, body)
	if err != nil {
		fmt.Println(err)
	}
}

var hello = nethttp.App(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "hello")
}))

// A program runs until it is told to end: by a signal, or, as here, by its context.
func ExampleRun() {
	ctx, stop := context.WithCancel(context.Background())
	err := server.Run(ctx, hello, server.Options{
		Addr: "127.0.0.1:0",
		Serving: func(addr net.Addr) {
			go func() {
				ask("http://" + addr.String())
				stop()
			}()
		},
	})
	fmt.Println("ended:", err)
	// Output:
	// 200 hello
	// ended: <nil>
}

// What start-up makes is found by every conversation, and gone after the last one.
func ExampleRun_lifespan() {
	type database struct{ name string }
	hooks := parley.LifespanHooks{
		Startup: func(ctx context.Context) error {
			fmt.Println("opened")
			return parley.Publish(ctx, &database{"orders"})
		},
		Shutdown: func(context.Context) error {
			fmt.Println("closed")
			return nil
		},
	}
	page := nethttp.App(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		db, _ := parley.Published[*database](r.Context())
		fmt.Fprintln(w, "from", db.name)
	}))
	app := router.Protocols{parley.HTTP: page, parley.Lifespan: hooks}

	ctx, stop := context.WithCancel(context.Background())
	err := server.Run(ctx, app, server.Options{Addr: "127.0.0.1:0", Serving: func(addr net.Addr) {
		go func() {
			ask("http://" + addr.String())
			stop()
		}()
	}})
	fmt.Println(err)
	// Output:
	// opened
	// 200 from orders
	// closed
	// <nil>
}

// A program with a life of its own starts and stops a server when it likes.
func ExampleServer_Drain() {
	s := server.New(hello, server.Options{Addr: "127.0.0.1:0", HealthPath: "/healthz"})
	ctx := context.Background()
	if err := s.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	ask("http://" + s.Addr().String() + "/healthz")

	patience, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	report, err := s.Drain(patience) // who is there may finish
	fmt.Println("cut:", report.Cut, err)
	fmt.Println(s.Stop(ctx)) // and then the app shuts down
	// Output:
	// 200 ok
	// cut: false <nil>
	// <nil>
}

// Two listeners: the world's, with at most ten thousand connections, and one for
// operators on the same machine.
func ExampleListener() {
	s := server.New(hello, server.Options{
		Listeners: []server.Listener{
			{Addr: "127.0.0.1:0", MaxConns: 10_000, Refuse: true},
			{Addr: "127.0.0.1:0", HeaderTimeout: 5 * time.Second},
		},
	})
	if err := s.Start(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	ask("http://" + s.Addr().String())
	fmt.Println(s.Stop(context.Background()))
	// Output:
	// 200 hello
	// <nil>
}

// An operator sees whether the process wants traffic at any path of the program's
// own.
func ExampleServer_Ready() {
	routes := http.NewServeMux()
	s := server.New(nethttp.App(routes), server.Options{Addr: "127.0.0.1:0"})
	routes.Handle("/internal/ready", s.Ready())
	if err := s.Start(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	ask("http://" + s.Addr().String() + "/internal/ready")
	fmt.Println(s.Stop(context.Background()))
	// Output:
	// 200 ready
	// <nil>
}
