package servicetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// WriteFile writes lines into a file of a directory that ends with the test, and
// returns its path.
func WriteFile(t testing.TB, name string, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
