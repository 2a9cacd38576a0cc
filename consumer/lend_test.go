package consumer_test

import (
	"context"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/consumer"
)

// keeper is a consumer that keeps the bytes of all messages.
type keeper struct{ kept []string }

func (k *keeper) ReceiveText(_ context.Context, _ *consumer.Conn, text string) error {
	k.kept = append(k.kept, text)
	return nil
}

// The bytes of a message are the consumer's for ever, unless it wants to be lent them.
func TestLend(t *testing.T) {
	for name, test := range map[string]struct {
		options consumer.Options
		want    string
	}{
		"default":    {consumer.Options{}, "one two"},
		"lent":       {consumer.Options{Lend: true}, "??? ???"},
		"concurrent": {consumer.Options{Lend: true, Concurrency: 2}, "one two"},
	} {
		k := new(keeper)
		options := test.options
		options.OrderBy = func(parley.WebSocketReceive) string { return "all" }
		s := dial(t, consumer.New(func() *keeper { return k }, options))
		s.Send(parley.Text("one"))
		s.Send(parley.Text("two"))
		s.Close(4000, "bye")
		if s.Wait(); strings.Join(k.kept, " ") != test.want {
			t.Errorf("%s: kept %q, want %q", name, k.kept, test.want)
		}
	}
}
