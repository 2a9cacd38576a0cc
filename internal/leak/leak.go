// Package leak has tests fail that leave goroutines behind.
package leak

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/panjf2000/ants/v2"
	"go.uber.org/goleak"
)

// Main is the TestMain of a package that imports the bridge, if only by way of
// an adapter. Importing ants starts a pool that nobody here uses; it is ended
// first, rather than overlooked, since overlooking it would hide leaks of the
// bridge's own pools.
func Main(m *testing.M) {
	if err := ants.ReleaseTimeout(30 * time.Second); err != nil {
		fmt.Fprintln(os.Stderr, "leak: ending ants' default pool:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
