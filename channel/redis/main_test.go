package redis_test

import (
	"testing"

	"go.uber.org/goleak"
)

// A cluster client of rueidis leaves behind what ends by itself, within seconds, when it
// is closed: a look at the cluster that was put off, and the end of a connection that
// was made twice.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"),
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*clusterClient)._refresh.func2"))
}
