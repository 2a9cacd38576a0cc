package nethttp_test

import (
	"os"
	"testing"

	"github.com/parleygo/parley/internal/leak"
)

func TestMain(m *testing.M) {
	if kind := os.Getenv("PARLEY_BENCH_SERVER"); kind != "" {
		serveBench(kind)
		return
	}
	leak.Main(m)
}
