package parleytest_test

import (
	"testing"

	"github.com/parleygo/parley/parleytest"
)

func TestConformance(t *testing.T) { parleytest.Conform(t, parleytest.Memory()) }
