package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/parleygo/parley/bridge"
)

// takes completes after d with its name, or with err.
func takes(ctx context.Context, d time.Duration, name string, err error) *bridge.Future[string] {
	return bridge.SyncToAsync0(func(context.Context) (string, error) {
		time.Sleep(d)
		return name, err
	}, bridge.Pooled())(ctx)
}

func TestAll(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		one, two := errors.New("one"), errors.New("two")
		begin := time.Now()
		values, err := bridge.All(ctx,
			takes(ctx, 3*time.Second, "a", nil), takes(ctx, 2*time.Second, "b", one),
			takes(ctx, time.Second, "c", nil), takes(ctx, time.Second, "d", two))
		wantEqual(t, "values", fmt.Sprint(values), "[a b c d]")
		wantErr(t, err, one)
		wantErr(t, err, two)
		wantElapsed(t, begin, 3*time.Second)
		values, err = bridge.All[string](ctx)
		wantEqual(t, "values of none", len(values), 0)
		wantErr(t, err, nil)
	})
}

func TestFailFast(t *testing.T) {
	var reported []error
	options := bridge.Options{Unobserved: func(err error) { reported = append(reported, err) }}
	bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		begin := time.Now()
		values, err := bridge.FailFast(ctx,
			takes(ctx, 2*time.Second, "a", nil), takes(ctx, time.Second, "b", nil))
		wantEqual(t, "values", fmt.Sprint(values), "[a b]")
		wantErr(t, err, nil)
		wantElapsed(t, begin, 2*time.Second)

		slow := takes(ctx, 3*time.Second, "slow", nil)
		failure := errors.New("fast")
		values, err = bridge.FailFast(ctx, slow, takes(ctx, time.Second, "", failure))
		wantErr(t, err, failure)
		wantEqual(t, "values", len(values), 0)
		wantElapsed(t, begin, 3*time.Second)
		wantEqual(t, "the other goes on", must(t, ctx, slow), "slow")
	})
}

func TestAsCompleted(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		var log orderLog
		futures := []*bridge.Future[string]{
			takes(ctx, 3*time.Second, "slow", nil), takes(ctx, time.Second, "fast", nil),
			takes(ctx, 9*time.Second, "late", nil),
		}
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		for name, err := range bridge.AsCompleted(short, futures...) {
			if err != nil {
				wantErr(t, err, context.DeadlineExceeded)
				name = "none"
			}
			log.add(name)
		}
		for name := range bridge.AsCompleted(ctx, futures...) { // again, and no further than the first
			log.add(name)
			break
		}
		for name := range bridge.AsCompleted(ctx, futures[2]) {
			log.add(name)
		}
		log.want(t, "fast slow none slow late")
	})
}

func TestB7_GatheringOffersTheToken(t *testing.T) {
	bubble(t, bridge.Options{Capacity: 1}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		var working gauge
		begin := time.Now()
		must(t, ctx, inPool(ctx, func(ctx context.Context) {
			var futures []*bridge.Future[struct{}]
			for range 5 {
				futures = append(futures, inPool(ctx, func(context.Context) {
					working.enter()
					time.Sleep(time.Second)
					working.leave()
				}))
			}
			for _, err := range bridge.AsCompleted(ctx, futures...) {
				wantErr(t, err, nil)
				working.enter()
				time.Sleep(time.Second)
				working.leave()
			}
		}))
		wantEqual(t, "peak", working.peak.Load(), 1)
		wantElapsed(t, begin, 10*time.Second)
	})
}
