package arch_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// wallClock is what makes a number of a time, or a time of a number. Such a time has lost
// the clock that goes on evenly: compared with another it is an hour off when the wall
// clock was set by an hour in between. What is kept to be compared is made by meter.Now.
var wallClock = regexp.MustCompile(`\.Unix(Nano|Milli|Micro)?\(|\.Round\(0\)`)

// longAgo is a deadline that has passed whatever the clock says.
const longAgo = "time.Unix(1, 0)"

// wallClocks are the files that mean the time of the world, and why.
var wallClocks = map[string]string{
	"adapters/nethttp/conversations.go": "what looks on is told when one has begun",
	"auth/django/signing.go":            "a session in a cookie says when it was signed",
	"auth/watch.go":                     "an identity ends at a time of day",
	"benchmarks":                        "no part of the kit",
	"internal/peertest":                 "tests of clocks",
	"internal/servicetest":              "tests of clocks",
	"server/inspect/handler.go":         "a line a second, whichever that is",
	"server/inspect/view.go":            "the page shows the time",
	"server/inspect/watch.go":           "the page shows the time",
}

// TestWallClock: no decision is made by a time that goes back, or leaps.
func TestWallClock(t *testing.T) {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		_, known := wallClocks[filepath.ToSlash(name)]
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (known || strings.HasPrefix(entry.Name(), ".") && path != root ||
			entry.Name() == "node_modules"):
			return filepath.SkipDir
		case known || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		for number, line := range strings.Split(string(read(t, path)), "\n") {
			code, _, _ := strings.Cut(strings.ReplaceAll(line, longAgo, ""), "//")
			if wallClock.MatchString(code) {
				t.Errorf("%s:%d keeps a time of the wall clock: %s", name, number+1, strings.TrimSpace(line))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
