package consumer_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/consumer"
)

// E7: up to N at once, and those with one key in order.
func TestConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most := 0, 0
		seen := map[string][]string{}
		release := make(chan struct{})
		r := &room{receive: func(_ context.Context, _ *consumer.Conn, message parley.WebSocketReceive) error {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			<-release
			mu.Lock()
			defer mu.Unlock()
			running--
			key := message.Text()[:1]
			seen[key] = append(seen[key], message.Text()[1:])
			return nil
		}}
		s := dial(t, consumer.New(r.factory, consumer.Options{
			Concurrency: 4, OrderBy: func(m parley.WebSocketReceive) string { return m.Text()[:1] },
		}))
		var want []string
		for i := range 10 {
			want = append(want, strconv.Itoa(i))
			for _, key := range []string{"a", "b", "c", "d", "e"} {
				s.Send(parley.Text(key + strconv.Itoa(i)))
			}
		}
		synctest.Wait()
		if most > 4 { // fewer than 2 where chance gives all keys one lane
			t.Errorf("%d at once", most)
		}
		close(release)
		synctest.Wait()
		for _, key := range []string{"a", "b", "c", "d", "e"} {
			if !slices.Equal(seen[key], want) {
				t.Errorf("%s in order %v", key, seen[key])
			}
		}
	})
}

// E7: messages without a key have no order, and all lanes work.
func TestConcurrencyWithoutKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running sync.WaitGroup
		running.Add(3)
		r := &room{receive: func(context.Context, *consumer.Conn, parley.WebSocketReceive) error {
			running.Done()
			running.Wait() // for all three
			return nil
		}}
		s := dial(t, consumer.New(r.factory, consumer.Options{Concurrency: 3}))
		for range 3 {
			s.Send(parley.Text("x"))
		}
		running.Wait()
	})
}

// E6: one of several handlers ends the connection; Disconnect waits for all.
func TestConcurrentFailure(t *testing.T) {
	for _, test := range []struct {
		text  string
		code  parley.CloseCode
		cause error
	}{
		{"close", 1000, parley.ErrFinished}, {"error", 1011, errTest}, {"panic", 1011, parley.ErrAppPanic},
	} {
		synctest.Test(t, func(t *testing.T) {
			waiting := 0
			var mu sync.Mutex
			r := &room{}
			r.receive = func(ctx context.Context, conn *consumer.Conn, message parley.WebSocketReceive) error {
				if message.Text() != "wait" {
					return endsAsTold(ctx, conn, message)
				}
				mu.Lock()
				waiting++
				mu.Unlock()
				<-ctx.Done()
				mu.Lock()
				defer mu.Unlock()
				waiting--
				return nil
			}
			r.gone = func(context.Context, *consumer.Conn) {
				if waiting != 0 {
					t.Errorf("%d handlers run beside Disconnect", waiting)
				}
			}
			s := dial(t, consumer.New(r.factory, consumer.Options{Concurrency: 3}))
			s.Send(parley.Text("wait"))
			s.Send(parley.Text("wait"))
			synctest.Wait()
			s.Send(parley.Text(test.text))
			code, _ := s.Closed()
			s.Wait()
			if got := r.disconnects(); code != test.code || len(got) != 1 || !errors.Is(got[0], test.cause) {
				t.Errorf("%s: code %d, disconnected with %v", test.text, code, got)
			}
		})
	}
}

// A key that panics costs its connection, whose handlers hear of it.
func TestOrderByPanics(t *testing.T) {
	r := &room{}
	s := dial(t, consumer.New(r.factory, consumer.Options{
		Concurrency: 2, OrderBy: func(parley.WebSocketReceive) string { panic("ouch") },
	}))
	s.Send(parley.Text("x"))
	s.Wait()
	if got := r.disconnects(); len(got) != 1 || !errors.Is(got[0], parley.ErrAppPanic) {
		t.Errorf("disconnected with %v", got)
	}
}

// B2.7: blocking consumers run on the bridge: Disconnect too, and what they end
// with is the same.
func TestBlocking(t *testing.T) {
	for _, blocking := range []consumer.Blocking{consumer.BlockingPool, consumer.BlockingThread} {
		for _, test := range []struct {
			text  string
			code  parley.CloseCode
			cause error
		}{
			{"close", 1000, parley.ErrFinished}, {"error", 1011, errTest}, {"panic", 1011, parley.ErrAppPanic},
		} {
			b, err := bridge.New(bridge.Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := &room{receive: endsAsTold}
			s := dialWith(t, bridge.With(t.Context(), b), consumer.New(r.factory, consumer.Options{Blocking: blocking}))
			s.Send(parley.Text(test.text))
			code, _ := s.Closed()
			s.Wait()
			if got := r.disconnects(); code != test.code || len(got) != 1 || !errors.Is(got[0], test.cause) {
				t.Errorf("%v, %s: code %d, disconnected with %v", blocking, test.text, code, got)
			}
			if err := b.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
}

// B2.7 and E17: all hooks of a connection run on its one thread.
func TestBlockingThread(t *testing.T) {
	b, err := bridge.New(bridge.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(context.Background())
	var threads []int
	r := &room{
		connect: func(context.Context, *consumer.Conn) (consumer.Answer, error) {
			threads = append(threads, threadID())
			return nil, nil
		},
		receive: func(context.Context, *consumer.Conn, parley.WebSocketReceive) error {
			threads = append(threads, threadID())
			return nil
		},
		gone: func(context.Context, *consumer.Conn) { threads = append(threads, threadID()) },
	}
	s := dialWith(t, bridge.With(t.Context(), b), consumer.New(r.factory, consumer.Options{Blocking: consumer.BlockingThread}))
	s.Send(parley.Text("x"))
	s.Close(parley.CloseNormal, "")
	s.Wait()
	if len(threads) != 3 || threads[0] != threads[1] || threads[1] != threads[2] {
		t.Errorf("threads %v", threads)
	}
}
