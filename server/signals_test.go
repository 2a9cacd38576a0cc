package server

import (
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/parleygo/parley"
)

// TestIgnoredStaysIgnored: a program that ignores broken pipes does so when Run has
// returned as well, and one that does not does not.
func TestIgnoredStaysIgnored(t *testing.T) {
	defer func() { // which Reset would not do
		heeded := make(chan os.Signal, 1)
		signal.Notify(heeded, syscall.SIGPIPE)
		signal.Stop(heeded)
	}()
	for _, ignored := range []bool{false, true} {
		if ignored {
			signal.Ignore(syscall.SIGPIPE)
		}
		if err := Run(ended(t), parley.LifespanHooks{}, quiet()); err != nil {
			t.Error(err)
		}
		if signal.Ignored(syscall.SIGPIPE) != ignored {
			t.Errorf("ignored before: %t, after: %t", ignored, !ignored)
		}
	}
}
