package stateless_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/stateless"
)

// Many deliver to many names while instances fail, leave, exit and block: never more than
// the maximum, never two of a name, and everything ends.
func TestB90_Storm(t *testing.T) {
	for seed := range uint64(30) {
		var alive, most atomic.Int64
		var named sync.Map
		app := func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			if _, twice := named.LoadOrStore(scope.Channel, true); twice {
				t.Errorf("two instances of %s", scope.Channel)
			}
			defer named.Delete(scope.Channel)
			now := alive.Add(1)
			defer alive.Add(-1)
			for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
			}
			for {
				event, err := conn.Receive(ctx)
				got, ok := event.(parley.ChannelReceive)
				if !ok {
					time.Sleep(time.Millisecond)
					return err
				}
				switch string(got.Data) {
				case "fail":
					return errTest
				case "leave":
					return nil
				case "panic":
					panic("storm")
				case "work":
					time.Sleep(time.Millisecond)
				case "send":
					if err := conn.Send(ctx, letter{to: "n3"}); err != nil {
						return err
					}
				}
			}
		}
		var s *stateless.Server
		options := stateless.Options{Max: 3, Queue: 4, Failed: func(string, error) {},
			Send: func(ctx context.Context, _ string, event parley.Event) error {
				return s.Deliver(ctx, event.(letter).to, message("work"))
			}}
		serveApp(t, parley.AppFunc(app), options, func(
			t *testing.T, ctx context.Context, server *stateless.Server,
		) {
			s = server
			words := []string{"fail", "leave", "panic", "work", "work", "send", "note"}
			for g := range uint64(8) {
				go func() {
					random := rand.New(rand.NewPCG(seed, g))
					for range 40 {
						patience := time.Duration(1+random.IntN(5)) * time.Millisecond
						short, cancel := context.WithTimeout(ctx, patience)
						name := fmt.Sprint("n", random.IntN(6))
						_ = s.Deliver(short, name, message(words[random.IntN(len(words))]))
						if s.Miscounted() {
							t.Errorf("seed %d: counts are wrong", seed)
						}
						cancel()
					}
				}()
			}
			time.Sleep(time.Duration(seed) * 10 * time.Millisecond) // Run ends in the middle, or later
			synctest.Wait()
		})
		if s.Miscounted() {
			t.Errorf("seed %d: counts are wrong at the end", seed)
		}
		if most.Load() > 3 || alive.Load() != 0 {
			t.Errorf("seed %d: most were %d, %d are left", seed, most.Load(), alive.Load())
		}
	}
}
