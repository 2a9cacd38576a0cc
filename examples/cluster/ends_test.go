package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ways are how the example may be ended.
var ways = map[string]struct {
	signals []syscall.Signal
	killed  bool
}{
	"interrupted":        {[]syscall.Signal{syscall.SIGINT}, false},
	"terminated":         {[]syscall.Signal{syscall.SIGTERM}, false},
	"terminated twice":   {[]syscall.Signal{syscall.SIGTERM, syscall.SIGTERM}, false},
	"both":               {[]syscall.Signal{syscall.SIGINT, syscall.SIGTERM}, false},
	"killed":             {[]syscall.Signal{syscall.SIGKILL}, true},
	"terminated, killed": {[]syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}, true},
}

// moments are when: by how many of the processes have begun a server, and have joined.
var moments = map[string]struct{ began, joined int }{
	"at first":   {0, 0},
	"one begins": {1, 0},
	"all begin":  {3, 0},
	"one joined": {3, 1},
	"all joined": {3, 3},
}

// TestEnds: however the example ends, and whenever, its processes end with it, and leave no
// folder behind.
func TestEnds(t *testing.T) {
	for when, moment := range moments {
		for how, way := range ways {
			t.Run(when+"/"+how, func(t *testing.T) {
				temp := t.TempDir()
				t.Setenv("TMPDIR", temp)
				command, stdout, errs := example(t, "-addr", "127.0.0.1:0")
				begun(t, temp, moment.began, errs)
				joined(t, stdout, moment.joined, errs)
				for _, signal := range way.signals {
					if err := command.Process.Signal(signal); err != nil {
						t.Fatal(err)
					}
				}
				err := ended(command)
				// At first it may not even listen to signals yet.
				if early := moment.began == 0; (err != nil) != way.killed && !early ||
					errors.Is(err, exec.ErrWaitDelay) {
					t.Errorf("%v\n%s", err, errs)
				}
				if left := folders(temp); len(left) > 0 {
					t.Errorf("left behind: %q\n%s", left, errs)
				}
			})
		}
	}
}

// TestOneEnds: a process that is asked to end by itself leaves nothing behind either, be it
// that it still waits for the others.
func TestOneEnds(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, processes := range map[string]int{"alone": 1, "waits for others": 3} {
		for _, signals := range []int{1, 2} {
			t.Run(name+"/signals "+strconv.Itoa(signals), func(t *testing.T) {
				temp := t.TempDir()
				t.Setenv("TMPDIR", temp)
				peers := freePeers(t, processes)
				command, errs := exec.Command(program, "-addr", "127.0.0.1:0", "-number", "1",
					"-peers", strings.Join(peers, ",")), new(strings.Builder)
				command.Stderr = errs
				if err := command.Start(); err != nil {
					t.Fatal(err)
				}
				begun(t, temp, 1, errs)
				for range signals {
					_ = command.Process.Signal(syscall.SIGTERM) // it may have ended at the first
				}
				_ = ended(command) // that it could not join is an error for its caller
				if left := folders(temp); len(left) > 0 {
					t.Errorf("left behind: %q\n%s", left, errs)
				}
			})
		}
	}
}

// begun waits until so many processes have the folder of a server.
func begun(t *testing.T, temp string, count int, errs *strings.Builder) {
	t.Helper()
	for deadline := time.Now().Add(patience); len(folders(temp)) < count; {
		if time.Now().After(deadline) {
			t.Fatalf("%d have begun, want %d: %s", len(folders(temp)), count, errs)
		}
		time.Sleep(time.Millisecond)
	}
}

// joined waits until so many processes have said where they listen.
func joined(t *testing.T, stdout io.Reader, count int, errs *strings.Builder) {
	t.Helper()
	lines := bufio.NewScanner(stdout)
	for range count {
		if !lines.Scan() {
			t.Fatal(errs)
		}
	}
}

// ended waits until nobody holds the standard error of a program any more.
func ended(command *exec.Cmd) error {
	command.WaitDelay = patience
	return command.Wait()
}

func folders(temp string) []string {
	found, err := filepath.Glob(filepath.Join(temp, "parley-nats-*"))
	if err != nil {
		panic(err)
	}
	return found
}
