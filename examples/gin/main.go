// Command gin is an ordinary gin project, a list of tasks, that has gained a
// socket and an SSE stream of new tasks by three statements, each marked "added",
// and a goodbye to all who listen.
//
//	go run ./examples/gin
//	curl -N -H 'Accept: text/event-stream' http://127.0.0.1:8080/live &
//	curl -d '{"title":"write"}' http://127.0.0.1:8080/tasks
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/fallback"
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
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

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "gin: http://%s/tasks\n", listener.Addr())

	server := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(changes.Close(ctx), server.Shutdown(ctx)) // Close was added: the goodbye
}
