package main

import (
	"io"
	"net/http"
	"os"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/fallback"
)

// publish tells the body of a request to all who follow.
func publish(layer *channel.Layer) parley.App {
	return nethttp.App(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<10))
		if err != nil {
			http.Error(w, "too long", http.StatusRequestEntityTooLarge)
			return
		}
		name, _ := auth.User[string](r.Context())
		message := channel.NewMessage("news", []byte(name+": "+string(text)))
		if _, err := layer.GroupSend(r.Context(), "news", message); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	}))
}

// follow brings the news to a WebSocket, or to a stream of server-sent events.
func follow(layer *channel.Layer) parley.App {
	return fallback.New(consumer.New(
		func() (none struct{}) { return none },
		consumer.Options{Layer: layer, Groups: []channel.Group{"news"}},
		consumer.Forward("news"),
	), fallback.Options{})
}

// readyDelay is how long load balancers take to notice that the process leaves.
func readyDelay() time.Duration {
	delay, _ := time.ParseDuration(os.Getenv("READY_DELAY"))
	return max(delay, 0)
}
