package redis_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// A cluster client of rueidis leaves behind what ends by itself, within seconds, when it
// is closed: a look at the cluster that was put off, and the end of a connection that
// was made twice.
//
// Most tests wait for leases to lapse, or servers to come back: more of them than there
// are cores can do so at once.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "4"); err != nil { // unless the command line says otherwise
		panic(err)
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"),
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*clusterClient)._refresh.func2"))
}
