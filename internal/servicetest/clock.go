package servicetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clockIn is the line of package time that every wall clock time comes from.
const clockIn = "\tsec, nsec, mono := runtimeNow()\n"

// BuildAhead builds the command of a package, whose time.Now is ahead of this machine's
// wall clock, and returns the path of the program. Timers go as fast as ever. The first
// build takes as long as the standard library does, others with the same clock share what
// Go keeps of that.
func BuildAhead(t testing.TB, pkg string, ahead time.Duration) string {
	t.Helper()
	dir := t.TempDir()
	changed, program := filepath.Join(dir, "time.go"), filepath.Join(dir, "ahead")
	original := filepath.Join(strings.TrimSpace(goCommand(t, "env", "GOROOT")), "src", "time", "time.go")
	source, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte(clockIn)); n != 1 {
		t.Fatalf("%d places in %s where the time comes from", n, original)
	}
	late := fmt.Sprintf("%s; sec += %d\n", strings.TrimSuffix(clockIn, "\n"), ahead/time.Second)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	if err == nil {
		err = os.WriteFile(changed, bytes.Replace(source, []byte(clockIn), []byte(late), 1), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	goCommand(t, "build", "-overlay", WriteFile(t, "overlay.json", string(overlay)), "-o", program, pkg)
	return program
}

// goCommand has the go command of the tests do something, and returns what it says.
func goCommand(t testing.TB, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), Program(t, "go"), args...)
	command.Env = append(os.Environ(), "CGO_ENABLED=0") // less to build
	said, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", args[0], err, said)
	}
	return string(said)
}
