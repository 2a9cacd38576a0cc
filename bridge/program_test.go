package bridge_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"testing"
	"time"
)

// programs are run by tests in a process of their own, because they may kill it.
var programs = map[string]func(){}

const passed = "program passed"

// runProgram runs one of programs in a process of its own.
func runProgram(t *testing.T, name string) (output string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), "BRIDGE_TEST_PROGRAM="+name)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func wantPassed(t *testing.T, name string) {
	t.Helper()
	if out, err := runProgram(t, name); err != nil || !bytes.Contains([]byte(out), []byte(passed)) {
		t.Errorf("%s: %v\n%.2000s", name, err, out)
	}
}
