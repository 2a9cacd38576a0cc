package redis_test

import (
	"testing"

	"go.uber.org/goleak"
)

// A cluster client of rueidis ends a connection that it has made twice five seconds
// later, whether it is closed itself or not.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*clusterClient)._refresh.func2"))
}
