// Command gin is an ordinary gin project, a list of tasks, that has gained a
// socket and an SSE stream of new tasks by three statements, each marked "added".
// Package server runs it, and says goodbye to all who listen when it stops.
//
//	go run ./examples/gin
//	curl -N -H 'Accept: text/event-stream' http://127.0.0.1:8080/live &
//	curl -d '{"title":"write"}' http://127.0.0.1:8080/tasks
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/gin-gonic/gin"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/server"
)

var changes = channel.New(channel.Options{}) // added: brings news to who listens

type task struct {
	ID    int    `json:"id"`
	Title string `json:"title" binding:"required"`
}

type tasks struct {
	mu   sync.Mutex
	list []task
}

func (t *tasks) all(c *gin.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c.JSON(http.StatusOK, t.list)
}

func (t *tasks) create(c *gin.Context) {
	var created task
	if err := c.ShouldBindJSON(&created); err != nil {
		c.JSON(http.StatusBadRequest, gin.H{"error": err.Error()})
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	created.ID = len(t.list) + 1
	t.list = append(t.list, created)
	_, _ = changes.GroupSend(c.Request.Context(), "tasks", // added: all who listen hear of it
		channel.NewMessage("task.created", []byte(created.Title)))
	c.JSON(http.StatusCreated, created)
}

func main() {
	gin.SetMode(gin.ReleaseMode)
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("gin", flag.ExitOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on")
	_ = flags.Parse(args) // exits on an error

	r := gin.Default()
	r.GET("/live", parleygin.Handler(fallback.New( // added: by a socket, or an SSE stream
		consumer.New(func() (none struct{}) { return none },
			consumer.Options{Layer: changes, Groups: []channel.Group{"tasks"}},
			consumer.Forward("task.created")), fallback.Options{})))
	list := &tasks{list: []task{}}
	r.GET("/tasks", list.all)
	r.POST("/tasks", list.create)

	return server.Run(ctx, parleygin.App(r), server.Options{Addr: *addr, Serving: func(addr net.Addr) {
		fmt.Fprintf(stdout, "gin: http://%s/tasks\n", addr)
	}})
}
