package nethttp_test

import (
	"os"
	"testing"

	"github.com/parleygo/parley/internal/leak"
)

func TestMain(m *testing.M) {
	if kind := os.Getenv(benchServerVariable); kind != "" {
		serveBench(kind)
		return
	}
	leak.Main(m)
}

// benchServerVariable makes this program a benchmark's server.
const benchServerVariable = "PARLEY_BENCH_SERVER"

var serveBench = func(kind string) { panic("no benchmark servers on this platform") }
