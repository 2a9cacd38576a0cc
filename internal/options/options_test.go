package options_test

import (
	"math"
	"testing"
	"time"

	"github.com/parleygo/parley/internal/options"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLimit(t *testing.T) {
	for _, test := range []struct{ value, want int }{{0, 7}, {1, 1}, {-1, math.MaxInt}} {
		if got := options.Limit(test.value, 7); got != test.want {
			t.Errorf("Limit(%d, 7) is %d, want %d", test.value, got, test.want)
		}
	}
	if got := options.Limit(-time.Second, time.Minute); got != math.MaxInt64 || options.Limited(got) {
		t.Errorf("no limit of time is %v, limited: %v", got, options.Limited(got))
	}
	if got := options.Limit(int64(-1), 7); got != math.MaxInt64 || options.Limited(got) {
		t.Errorf("no limit of bytes is %v, limited: %v", got, options.Limited(got))
	}
	if !options.Limited(options.Limit(0, 7)) {
		t.Error("the default is no limit")
	}
}

func TestPositive(t *testing.T) {
	for _, test := range []struct{ value, want time.Duration }{{0, time.Minute}, {1, 1}} {
		if got := options.Positive("x: Options.Y", test.value, time.Minute); got != test.want {
			t.Errorf("Positive(%v) is %v, want %v", test.value, got, test.want)
		}
	}
	defer func() {
		if got, want := recover(), "x: Options.Y: -1s is negative"; got != want {
			t.Errorf("a negative value panics with %v, want %q", got, want)
		}
	}()
	options.Positive("x: Options.Y", -time.Second, time.Minute)
}
