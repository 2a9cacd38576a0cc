package parleytest_test

import (
	"testing"

	"github.com/parleygo/parley/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }
