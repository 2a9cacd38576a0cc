package consumer_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/internal/testlog"
)

// E7: up to N at once, and those with one key in order.
func TestConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most := 0, 0
		seen := map[string][]string{}
		release := make(chan struct{})
		r := &room{receive: func(_ context.Context, _ *consumer.Conn,
			message parley.WebSocketReceive) error {
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
		{"close", 1000, parley.ErrFinished}, {"error", 1011, errTest}, {"panic", 1011,
			parley.ErrAppPanic},
	} {
		synctest.Test(t, func(t *testing.T) {
			waiting := 0
			var mu sync.Mutex
			r := &room{}
			r.receive = func(ctx context.Context, conn *consumer.Conn,
				message parley.WebSocketReceive) error {
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

// Serve tells of one failure. A panic beside it is not lost.
func TestTwoPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(testlog.Lines)
		r := &room{receive: func(ctx context.Context, _ *consumer.Conn, m parley.WebSocketReceive) error {
			if m.Text() == "late" {
				<-ctx.Done()
			}
			panic(m.Text())
		}}
		app := consumer.New(r.factory, consumer.Options{Concurrency: 2, Logger: log.Logger()})
		s := dial(t, app)
		s.Send(parley.Text("late"))
		synctest.Wait()
		s.Send(parley.Text("first"))
		s.Wait()
		causes := r.disconnects()
		if len(causes) != 1 || !strings.Contains(causes[0].Error(), "first") {
			t.Errorf("disconnected with %v", causes)
		}
		if log.Len() != 1 || !strings.Contains(log.All()[0], "late") {
			t.Errorf("logged %q", log.All())
		}
	})
}
