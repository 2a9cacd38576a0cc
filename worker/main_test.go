package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	errTest = errors.New("test")
	silent  = slog.New(slog.DiscardHandler)
)

func newLayer(t testing.TB) *channel.Layer {
	layer := channel.New(channel.Options{})
	t.Cleanup(func() {
		if err := layer.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return layer
}

func send(t testing.TB, layer *channel.Layer, name channel.Name, payloads ...string) {
	t.Helper()
	for _, payload := range payloads {
		err := layer.Send(t.Context(), name, channel.NewMessage("job", []byte(payload)))
		if err != nil {
			t.Fatal(err)
		}
	}
}

// run runs a worker until the test calls stop.
func run(t *testing.T, w *worker.Worker) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- w.Run(ctx) }()
	<-w.Ready()
	synctest.Wait()
	return func() error { cancel(); return <-result }
}

// graveyard keeps dead letters.
type graveyard struct {
	mu   sync.Mutex
	list []worker.DeadLetter
}

func (g *graveyard) take(_ context.Context, letter worker.DeadLetter) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.list = append(g.list, letter)
}
