package nethttp_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if kind := os.Getenv("PARLEY_BENCH_SERVER"); kind != "" {
		serveBench(kind)
		return
	}
	goleak.VerifyTestMain(m)
}
