package stateless_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/stateless"
)

// B90: never more than the maximum, and the first to come are the first to go.
func TestB90_MaximumIsExact(t *testing.T) {
	r := new(recorder)
	var alive, most atomic.Int64
	app := func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		most.Store(max(most.Load(), alive.Add(1)))
		defer alive.Add(-1)
		defer r.add("%s", scope.Channel)
		for {
			event, err := conn.Receive(ctx)
			if _, more := event.(parley.ChannelReceive); !more {
				time.Sleep(time.Second) // its place is its own for as long
				return err
			}
		}
	}
	serveApp(t, parley.AppFunc(app), stateless.Options{Max: 10}, func(
		t *testing.T, ctx context.Context, s *stateless.Server,
	) {
		for n := range 20 {
			deliver(t, ctx, s, fmt.Sprint(n), "1")
			synctest.Wait()
		}
		r.want(t, strings.Fields("0 1 2 3 4 5 6 7 8 9")...)
		stats := s.Stats()
		if most.Load() != 10 || stats.Alive != 10 || stats.Evicted != 10 {
			t.Errorf("most were %d, stats are %+v", most.Load(), stats)
		}
	})
}

// B90: what counts is the last use, and who is at work stays if anybody else can go.
func TestB90_WhoGoes(t *testing.T) {
	serve(t, stateless.Options{Max: 3}, func(
		t *testing.T, ctx context.Context, s *stateless.Server, r *recorder,
	) {
		for _, name := range []string{"a", "b", "c"} {
			deliver(t, ctx, s, name, "1")
			synctest.Wait()
		}
		deliver(t, ctx, s, "b", "2")
		synctest.Wait()
		deliver(t, ctx, s, "a", "work", "more")
		r.want(t, "a: 1", "b: 1", "c: 1", "b: 2", "a: work")
		deliver(t, ctx, s, "d", "long")
		r.want(t, "c ends", "d: long")
		deliver(t, ctx, s, "e", "long")
		r.want(t, "b ends", "e: long")
		deliver(t, ctx, s, "f", "1") // all are at work, and a is done first
		r.want(t, "a: more", "a ends", "f: 1")
		if stats := s.Stats(); stats.Failed != 0 || stats.Evicted != 3 {
			t.Errorf("stats are %+v", stats)
		}
	})
}

// B90: those who wait for a place get one in their order, and may give up.
func TestB90_WaitingForAPlace(t *testing.T) {
	serve(t, stateless.Options{Max: 1}, func(
		t *testing.T, ctx context.Context, s *stateless.Server, r *recorder,
	) {
		deliver(t, ctx, s, "a", "work")
		r.want(t, "a: work")
		short, cancel := context.WithCancelCause(ctx)
		results := make(chan error, 5)
		for _, c := range []struct {
			ctx        context.Context
			name, text string
		}{{ctx, "b", "1"}, {short, "c", "1"}, {short, "b", "2"}, {ctx, "d", "1"}, {ctx, "b", "3"}} {
			go func() { results <- s.Deliver(c.ctx, c.name, message(c.text)) }()
			synctest.Wait()
		}
		if stats := s.Stats(); stats.Waiting != 3 || stats.Alive != 1 || stats.Evicted != 0 {
			t.Errorf("stats are %+v", stats)
		}
		cancel(errTest)
		wantErr(t, <-results, errTest)
		wantErr(t, <-results, errTest)
		for range 3 {
			wantErr(t, <-results, nil)
		}
		r.want(t, "a ends", "b: 1", "b: 3", "b ends", "d: 1")
	})
}

// B90: where all instances wait for places for others, one of them has to go, and no more.
func TestB90_AllInstancesCallOthers(t *testing.T) {
	for most := 1; most <= 3; most++ {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			r := new(recorder)
			var s *stateless.Server
			options := stateless.Options{Max: most, Failed: r.failed,
				Send: func(ctx context.Context, _ string, event parley.Event) error {
					return s.Deliver(ctx, event.(letter).to, message("hello"))
				}}
			app := func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
				event, err := conn.Receive(ctx)
				if got, ok := event.(parley.ChannelReceive); !ok || string(got.Data) != "greet" {
					return err
				}
				time.Sleep(time.Second) // till all are at work
				if err = conn.Send(ctx, letter{to: "friend of " + scope.Channel}); err != nil {
					r.add("%s could not send: %v", scope.Channel, err)
				}
				return err
			}
			serveApp(t, parley.AppFunc(app), options, func(
				t *testing.T, ctx context.Context, server *stateless.Server,
			) {
				s = server
				for n := range most {
					deliver(t, ctx, s, fmt.Sprint(n), "greet")
				}
				time.Sleep(time.Minute)
				r.want(t, "0 could not send: "+stateless.ErrEvicted.Error())
				if stats := s.Stats(); stats.Evicted != 1 || int(stats.Begun) != 2*most-1 {
					t.Errorf("stats are %+v", stats)
				}
			})
		})
	}
}

// FuzzB90_LeastRecentlyUsed holds the server to a list: each byte uses a name.
func FuzzB90_LeastRecentlyUsed(f *testing.F) {
	f.Add(2, []byte("abcabca"))
	f.Add(1, []byte("aabb"))
	f.Add(5, []byte("abcdefgaebdcf"))
	f.Fuzz(func(t *testing.T, most int, uses []byte) {
		most = 1 + (most&0xff)%8
		uses = uses[:min(len(uses), 200)]
		serve(t, stateless.Options{Max: most}, func(
			t *testing.T, ctx context.Context, s *stateless.Server, r *recorder,
		) {
			var kept, want []string
			for _, use := range uses {
				name := string(rune('a' + use%16))
				at := slices.Index(kept, name)
				switch {
				case at >= 0:
					kept = slices.Delete(kept, at, at+1)
				case len(kept) == most:
					want = append(want, kept[0]+" ends")
					kept = kept[1:]
				}
				kept = append(kept, name)
				want = append(want, name+": .")
				deliver(t, ctx, s, name, ".")
				synctest.Wait()
			}
			r.want(t, want...)
			if stats := s.Stats(); stats.Alive != len(kept) {
				t.Errorf("%d are alive, want %d", stats.Alive, len(kept))
			}
		})
	})
}
