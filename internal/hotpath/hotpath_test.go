package hotpath

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Hot paths are compiled as their marks say.
func TestAllocHotPaths(t *testing.T) {
	const root, fewest = "../..", 60
	var dirs []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		dir, err := filepath.Rel(root, path)
		if name := entry.Name(); dir != "." && (name == "testdata" || name[0] == '.' || foreign[dir]) {
			return filepath.SkipDir
		}
		dirs = append(dirs, dir)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	list, complaints := check(t, root, dirs)
	if len(list) < fewest {
		t.Errorf("%d functions are marked: where have the others gone?", len(list))
	}
	for _, complaint := range complaints {
		t.Error(complaint)
	}
}

// foreign are folders of other modules.
var foreign = map[string]bool{
	"benchmarks": true, "contrib": true, "examples": true, "internal/thirdparty": true,
}

// Marks that are broken are told, and only those.
func TestComplaints(t *testing.T) {
	list, complaints := check(t, ".", []string{"testdata/marked"})
	if len(list) != 8 {
		t.Errorf("%d marks, want 8", len(list))
	}
	for i, complaint := range complaints {
		_, complaints[i], _ = strings.Cut(complaint, ".go:")
	}
	want := []string{
		"12: (*box).large is not inlined",
		"34: escaping puts something on the heap: moved to heap: n",
		"41: boxed puts something on the heap: n escapes to heap",
		"46: there is no mark //parley:fast",
	}
	if !slices.Equal(complaints, want) {
		t.Errorf("complaints are\n%s\nwant\n%s", strings.Join(complaints, "\n"), strings.Join(want, "\n"))
	}
}

// check compiles the packages that have marks, and returns these and what is wrong.
func check(t *testing.T, root string, dirs []string) (list []marked, complaints []string) {
	command := exec.Command("go", "build", "-gcflags=-m")
	command.Dir = root
	for _, dir := range dirs {
		found, err := marks(root, dir)
		if err != nil {
			t.Fatal(err)
		}
		if list = append(list, found...); len(found) > 0 {
			command.Args = append(command.Args, "./"+filepath.ToSlash(dir))
		}
	}
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	said := remarks(out)
	for _, m := range list {
		if fault := m.fault(said[m.file]); fault != "" {
			complaints = append(complaints, fmt.Sprintf("%s:%d: %s", m.file, m.first, fault))
		}
	}
	return list, complaints
}

// remark is what the compiler says of a line.
type remark struct {
	line int
	text string
}

var remarked = regexp.MustCompile(`^(?:\./)?(.+\.go):(\d+):\d+: (.*)$`)

// remarks are those of each file.
func remarks(out []byte) map[string][]remark {
	said := map[string][]remark{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if m := remarked.FindStringSubmatch(lines.Text()); m != nil {
			line, _ := strconv.Atoi(m[2])
			file := filepath.FromSlash(m[1])
			said[file] = append(said[file], remark{line, m[3]})
		}
	}
	return said
}

// fault says what the compiler does otherwise than a mark has it.
func (m marked) fault(said []remark) string {
	switch m.mark {
	case inline:
		if !slices.Contains(said, remark{m.first, "can inline " + m.name}) {
			return m.name + " is not inlined"
		}
	case noescape:
		for _, r := range said {
			if r.line >= m.first && r.line <= m.last && onHeap(r.text) {
				return m.name + " puts something on the heap: " + r.text
			}
		}
	default:
		return "there is no mark " + m.mark
	}
	return ""
}

func onHeap(remark string) bool {
	return strings.HasPrefix(remark, "moved to heap") || strings.HasSuffix(remark, "escapes to heap")
}
