package servicetest_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/parleygo/parley/internal/servicetest"
)

// TestBuildAhead: the wall clock is another, and time passes as ever.
func TestBuildAhead(t *testing.T) {
	program := servicetest.BuildAhead(t, "./testdata/clock", time.Hour)
	process := servicetest.Start(t, program)
	<-process.Exited()
	var unix int64
	var text string
	var passed float64
	if _, err := fmt.Sscan(process.Output(), &unix, &text, &passed); err != nil {
		t.Fatalf("%v\n%s", err, process.Output())
	}
	if ahead := time.Until(time.Unix(unix, 0)); math.Abs((ahead - time.Hour).Seconds()) > 60 {
		t.Errorf("%v ahead", ahead)
	}
	if wall, err := time.Parse(time.RFC3339, text); err != nil || wall.Unix() != unix {
		t.Errorf("%s is %v, %v, not %d", text, wall, err, unix)
	}
	if passed < 0 || passed > 60 {
		t.Errorf("nothing took %v s", passed)
	}
}
