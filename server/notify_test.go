//go:build linux

package server

import (
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/parleygo/parley"
)

// TestWatchdog: a process that systemd watches says that it lives, until it has gone.
func TestWatchdog(t *testing.T) {
	manager := listenNotify(t)
	t.Setenv("NOTIFY_SOCKET", manager.LocalAddr().String())
	t.Setenv("WATCHDOG_USEC", "2000")
	t.Setenv("WATCHDOG_PID", "")
	s := New(parley.LifespanHooks{}, quiet())
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	heard := map[string]int{}
	for heard["READY=1"] < 1 || heard["WATCHDOG=1"] < 3 {
		heard[nextState(t, manager)]++
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	for heard["STOPPING=1"] < 1 {
		heard[nextState(t, manager)]++
	}
}

// TestManagerHasGone: a service manager that cannot be told is a warning.
func TestManagerHasGone(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", t.TempDir()+"/none")
	var log strings.Builder
	options := quiet()
	options.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s := New(parley.LifespanHooks{}, options)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	for _, state := range []string{"READY=1", "STOPPING=1"} {
		if !strings.Contains(log.String(), `level=WARN msg="server: telling systemd" state="`+state) {
			t.Errorf("no warning of %s: %s", state, &log)
		}
	}
}

// TestOwnSignals: Run ends by the signals that it was given.
func TestOwnSignals(t *testing.T) {
	options := quiet()
	options.Signals = []os.Signal{syscall.SIGUSR1}
	options.Serving = func(net.Addr) { syscall.Kill(os.Getpid(), syscall.SIGUSR1) }
	if err := Run(t.Context(), parley.LifespanHooks{}, options); err != nil {
		t.Error(err)
	}
}
