package redis_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
	"github.com/parleygo/parley/worker"
)

var workerOf = flag.String("worker-of", "", "be a worker process of the Redis at this URL")

// TestWorkerProcess is such a process, when another test starts it.
func TestWorkerProcess(t *testing.T) {
	if *workerOf == "" {
		return
	}
	transport := connect(t, redis.Options{URLs: []string{*workerOf}})
	app := worker.Job(func(ctx context.Context, job parley.ChannelReceive) error {
		if err := transport.Publish(ctx, "begun", job.Data); err != nil {
			return err
		}
		time.Sleep(5 * time.Millisecond)
		return transport.Publish(ctx, "ended", job.Data)
	})
	queue := worker.NewQueue(transport, worker.QueueOptions{})
	w := worker.NewDurable(queue, app, []channel.Name{"jobs"},
		worker.Options{Concurrency: 4, Hold: 5 * time.Second}) // who lives is never away for as long
	if err := w.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// TestWorkerProcessesAreKilled with -9 while they work: every message is dealt with, and
// again only if it was in the hands of one that died.
func TestWorkerProcessesAreKilled(t *testing.T) {
	t.Parallel()
	const messages, kills, each = 400, 3, 4
	server := servicetest.StartRedis(t)
	transport := connect(t, redis.Options{URLs: []string{url(server)}})
	var mu sync.Mutex
	count := map[string]map[string]int{"begun": {}, "ended": {}}
	for what, times := range count {
		if _, err := transport.Subscribe(t.Context(), what, func(payload []byte) {
			mu.Lock()
			defer mu.Unlock()
			times[string(payload)]++
		}); err != nil {
			t.Fatal(err)
		}
	}
	done := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(count["ended"])
	}
	queue := worker.NewQueue(transport, worker.QueueOptions{})
	for i := range messages {
		message := channel.NewMessage("job", fmt.Append(nil, i))
		if err := queue.Send(t.Context(), "jobs", message); err != nil {
			t.Fatal(err)
		}
	}
	start := func() *servicetest.Process {
		return servicetest.Start(t, os.Args[0],
			"-test.run=^TestWorkerProcess$", "-worker-of="+url(server))
	}
	start()
	for kill := range kills {
		process := start()
		eventually(t, func() error {
			if got := done(); got < (kill+1)*messages/(kills+2) {
				return fmt.Errorf("%d are done", got)
			}
			return nil
		})
		process.Kill()
	}
	eventually(t, func() error {
		if got := done(); got < messages {
			return fmt.Errorf("%d are done", got)
		}
		return nil
	})
	mu.Lock()
	defer mu.Unlock()
	again := 0
	for _, times := range count["begun"] {
		again += times - 1
	}
	t.Logf("%d messages, %d processes killed, %d begun again", messages, kills, again)
	if again > kills*each {
		t.Errorf("%d were begun again, in the hands of the dead were %d at most", again, kills*each)
	}
}
