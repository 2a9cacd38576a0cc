package testlog_test

import (
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/parleygo/parley/internal/testlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLines(t *testing.T) {
	var log testlog.Lines
	var writers sync.WaitGroup
	for range 10 {
		writers.Go(func() { log.Logger().Info("said", "by", "one of many") })
	}
	writers.Wait()
	if log.Len() != 10 || strings.Count(log.String(), "\n") != 10 {
		t.Errorf("%d lines: %s", log.Len(), &log)
	}
	for _, line := range log.All() {
		if !strings.Contains(line, `msg=said by="one of many"`) {
			t.Errorf("line %q", line)
		}
	}
}
