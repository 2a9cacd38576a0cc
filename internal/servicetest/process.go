// Package servicetest starts real servers for tests, and lets them fail: a process that
// is killed and started again, a network that is cut, a line that is slow.
package servicetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a server may take for anything before the test fails.
const patience = 2 * time.Minute

// Program returns the path of a program that the test needs, which is the first of
// names that is found. Where there is none the test is skipped, or fails if
// PARLEY_REQUIRE_SERVICES is 1.
func Program(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("PARLEY_REQUIRE_SERVICES") == "1" {
		t.Fatalf("%s is required here", strings.Join(names, " or "))
	}
	t.Skipf("no %s to test with", strings.Join(names, " or "))
	return ""
}

// Process is a program that a test has started. It ends with the test.
type Process struct {
	t    testing.TB
	path string
	args []string
	ping func() error // of a server, nil if it answers

	mu     sync.Mutex
	cmd    *exec.Cmd
	output *output
	exited chan struct{}
}

// Start starts a program. The test fails if it cannot be started.
func Start(t testing.TB, path string, args ...string) *Process {
	t.Helper()
	p := &Process{t: t, path: path, args: args}
	p.Start()
	t.Cleanup(p.Kill)
	return p
}

// Start starts the program again, after Kill or its own end.
func (p *Process) Start() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.output = new(output)
	p.cmd = exec.Command(p.path, p.args...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	orphanDies(p.cmd)
	p.exited = make(chan struct{})
	started := make(chan error)
	go run(p.cmd, started, p.exited)
	if err := <-started; err != nil {
		p.t.Fatal(err)
	}
}

// run has its thread to itself: for Linux a program is an orphan when the thread is gone
// that has started it.
func run(cmd *exec.Cmd, started chan<- error, exited chan<- struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(exited)
	err := cmd.Start()
	started <- err
	if err == nil {
		_ = cmd.Wait() // how it ends is for the test to judge
	}
}

// Kill ends the program as kill -9 does, and waits until it is gone.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.exited
}

// Signal sends the program a signal.
func (p *Process) Signal(signal os.Signal) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
}

// Restart starts a server that was killed, and waits until it answers.
func (p *Process) Restart() {
	p.t.Helper()
	p.Start()
	p.Await(p.ping)
}

// Exited is closed when the program has ended.
func (p *Process) Exited() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exited
}

// Output returns what the program has written since it was started.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// Await waits until ready returns no error. The test fails if the program ends before.
func (p *Process) Await(ready func() error) {
	p.t.Helper()
	if err := p.await(ready); err != nil {
		p.t.Fatalf("%s: %v\n%s", p.path, err, p.Output())
	}
}

var errEnded = errors.New("the program has ended")

func (p *Process) await(ready func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	exited := p.Exited()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-exited:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// output keeps what a program writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(text)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
