package client_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// troupe is a consumer with a group that the layer keeps.
type troupe struct {
	*consumer.App
	t     *testing.T
	layer *channel.Layer

	mu    sync.Mutex
	count int
	heard []string
}

func newTroupe(t *testing.T) cast {
	layer := channel.New(channel.Options{
		History: []channel.HistoryRule{{Pattern: "room", Keep: channel.Keep{Messages: 100}}},
	})
	t.Cleanup(func() {
		if err := layer.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	tr := &troupe{t: t, layer: layer}
	tr.App = consumer.New(func() *troupe { return tr },
		consumer.Options{Layer: layer, Groups: []channel.Group{"room"},
			Logger: slog.New(slog.DiscardHandler)},
		consumer.ReceiveType("say", (*troupe).say),
		consumer.AnswerType("echo", (*troupe).echo),
		consumer.Forward("said"),
	)
	return tr
}

// Open has whoever gives a name be seen by the others.
func (tr *troupe) Open(ctx context.Context, conn *consumer.Conn) error {
	name := conn.Scope().Request.URL.Query().Get("name")
	if name == "" {
		return nil
	}
	_, err := conn.Enter(ctx, "room", map[string]string{"name": name})
	return err
}

func (tr *troupe) say(_ context.Context, _ *consumer.Conn, said said) error {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.heard = append(tr.heard, said.Text)
	return nil
}

func (tr *troupe) echo(ctx context.Context, conn *consumer.Conn, said said) (string, error) {
	return said.Text, tr.say(ctx, conn, said)
}

func (tr *troupe) control(ctx context.Context, what string, number int, _ []byte) bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if what != "/publish" {
		return what == "/report"
	}
	for range number {
		payload := fmt.Appendf(nil, `{"type":"said","n":%d}`, tr.count)
		if _, err := tr.layer.GroupSend(ctx, "room", channel.NewMessage("said", payload)); err != nil {
			tr.t.Error(err)
		}
		tr.count++
	}
	return true
}

func (tr *troupe) report() map[string]any {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return map[string]any{"heard": append([]string{}, tr.heard...)}
}
