package arch_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const module = "github.com/parleygo/parley"

type layer struct {
	pattern      string
	ours, others []string
}

// layers says what each package may import of ours and of others, in code that
// is not a test. The first pattern that matches holds; one that ends in "/..."
// matches everything below. Packages of ours are named from the root, which is
// ".". What has no layer must get one before it lands.
var layers = []layer{
	{pattern: "."},
	{pattern: "internal/arch"},
	{"internal/socket", []string{".", "internal/..."},
		[]string{"github.com/olahol/melody", "github.com/gorilla/websocket"}},
	{"internal/overevents", []string{".", "internal/..."}, nil},
	{"internal/origin", []string{"."}, []string{"golang.org/x/net/idna"}},
	{"internal/browsertest", nil, []string{"github.com/gorilla/websocket"}},
	{"internal/leak", nil, []string{"github.com/panjf2000/ants/v2", "go.uber.org/goleak"}},
	{"internal/semantics", []string{
		".", "internal/...", "auth", "bridge", "channel", "consumer", "fallback", "middleware", "router", "server",
		"sse", "stateless", "worker"}, nil},
	{"internal/peertest", []string{".", "internal/...", "channel", "worker"}, nil},
	{"internal/...", []string{".", "internal/..."}, nil},
	{"bridge", []string{".", "internal/logged", "internal/options", "internal/usercode"},
		[]string{"github.com/panjf2000/ants/v2"}},
	{"channel/channeltest", []string{".", "channel"}, nil},
	{"channel", []string{".", "internal/..."}, nil},
	{"router", []string{".", "internal/..."}, nil},
	{"middleware", []string{".", "internal/..."}, []string{"golang.org/x/time/rate"}},
	{"auth/django", []string{".", "internal/...", "auth"}, nil},
	{"auth", []string{".", "internal/...", "middleware", "channel"}, []string{
		"github.com/alexedwards/scs/v2", "github.com/golang-jwt/jwt/v5"}},
	{"parleytest", []string{".", "internal/...", "bridge"}, nil},
	{"sse", []string{".", "internal/..."}, nil},
	{"fallback", []string{".", "internal/...", "sse"}, nil},
	{"consumer", []string{".", "internal/...", "channel"}, nil},
	{"worker", []string{".", "internal/...", "channel"}, nil},
	{"stateless", []string{".", "internal/..."}, nil},
	{pattern: "client"},
	{pattern: "adapters/internal/..."},
	{"adapters/nethttp", []string{".", "internal/..."}, nil},
	{"adapters/blocking", []string{".", "internal/...", "bridge"}, nil},
	{"adapters/gin", []string{".", "internal/protocol", "adapters/nethttp"}, []string{"github.com/gin-gonic/gin"}},
	{"server/inspect", []string{".", "internal/...", "adapters/nethttp", "bridge", "channel", "fallback", "sse"},
		nil},
	{"server", []string{".", "internal/...", "adapters/nethttp"},
		[]string{"github.com/coreos/go-systemd/v22/...", "golang.org/x/sys/unix"}},
	{"examples/...", []string{
		".", "bridge", "channel", "router", "auth", "middleware", "client", "consumer", "fallback", "sse", "adapters/...", "server",
		"server/..."},
		[]string{"github.com/gin-gonic/gin", "github.com/alexedwards/scs/v2",
			"github.com/alexedwards/scs/v2/..."}},
}

// budget is every module that go.mod may require directly.
var budget = []string{
	"github.com/gin-gonic/gin",
	"github.com/olahol/melody",
	"github.com/gorilla/websocket",
	"github.com/panjf2000/ants/v2",
	"go.uber.org/goleak",
	"github.com/alexedwards/scs/v2",
	"github.com/golang-jwt/jwt/v5",
	"golang.org/x/time",
	"golang.org/x/net", // idna, for origin patterns
	"github.com/coreos/go-systemd/v22",
	"golang.org/x/sys", // SO_REUSEPORT
}

func TestImports(t *testing.T) {
	packages := list(t)
	standard := map[string]bool{"C": true, "unsafe": true}
	for _, p := range packages {
		standard[p.ImportPath] = p.Standard
	}
	for _, p := range packages {
		name, ours := local(p.ImportPath)
		if !ours {
			continue
		}
		at := slices.IndexFunc(layers, func(l layer) bool { return matches(l.pattern, name) })
		if at < 0 {
			t.Errorf("%s has no layer", name)
			continue
		}
		for _, imported := range p.Imports {
			allowed := layers[at].others
			short, ours := local(imported)
			if ours {
				allowed = layers[at].ours
			}
			if !standard[imported] && !slices.ContainsFunc(allowed,
				func(pattern string) bool { return matches(pattern, short) }) {
				t.Errorf("%s may not import %s", name, imported)
			}
		}
	}
}

// TestPeersAreNotNamed: melody stands behind internal/socket. Tests of the adapters
// serve handlers that are made with it, and any test may talk to the kit with
// gorilla's client; what compares the kit with its peers is in benchmarks, which is a
// module of its own.
func TestPeersAreNotNamed(t *testing.T) {
	const melody = "github.com/olahol/melody"
	hosts := []string{"internal/socket", "adapters/nethttp", "adapters/gin"}
	for _, p := range list(t) {
		name, ours := local(p.ImportPath)
		imports := slices.Concat(p.TestImports, p.XTestImports)
		if ours && !slices.Contains(hosts, name) && slices.Contains(imports, melody) {
			t.Errorf("tests of %s may not import melody", name)
		}
	}
}

func TestDependencies(t *testing.T) {
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	decode(t, &mod, "mod", "edit", "-json")
	for _, required := range mod.Require {
		if !required.Indirect && !slices.Contains(budget, required.Path) {
			t.Errorf("go.mod may not require %s directly", required.Path)
		}
	}
}

func TestLeakChecks(t *testing.T) {
	packages := list(t)
	for _, folder := range joined(t) {
		packages = append(packages, listIn(t, folder)...)
	}
	for _, p := range packages {
		name, ours := local(p.ImportPath)
		tests := slices.Concat(p.TestGoFiles, p.XTestGoFiles)
		if !ours || len(tests) == 0 {
			continue
		}
		if !slices.ContainsFunc(tests, func(file string) bool {
			code := read(t, filepath.Join(p.Dir, file))
			return bytes.Contains(code, []byte("func TestMain(")) && bytes.Contains(code, []byte("leak."))
		}) {
			t.Errorf("%s has no TestMain with goleak", name)
		}
	}
}

// TestFileLengths wants a reason, "N lines because ...", in every long file that
// somebody has written.
func TestFileLengths(t *testing.T) {
	const most = 400
	written := []string{".go", ".html", ".js", ".css", ".py", ".sh", ".yml", ".md", ""}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(entry.Name(), ".") && path != root && entry.Name() != ".ci"
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (hidden || entry.Name() == "testdata" || entry.Name() == "node_modules"):
			return filepath.SkipDir
		case !entry.Type().IsRegular() || !slices.Contains(written, filepath.Ext(path)):
			return nil
		}
		text := read(t, path)
		if bytes.IndexByte(text, 0) >= 0 {
			return nil // a program
		}
		if lines := bytes.Count(text, []byte("\n")); lines > most &&
			!bytes.Contains(text, []byte("lines because")) {
			t.Errorf("%s has %d lines: say why in a comment (\"%[2]d lines because ...\") or cut it", path,
				lines)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

const root = "../.."

// local returns a package's name from our root, and whether it is one of ours.
func local(importPath string) (name string, ours bool) {
	if importPath == module {
		return ".", true
	}
	if name, ours = strings.CutPrefix(importPath, module+"/"); ours {
		return name, true
	}
	return importPath, false
}

func matches(pattern, name string) bool {
	below, tree := strings.CutSuffix(pattern, "...")
	return name == pattern || tree && strings.HasPrefix(name, below)
}

type goPackage struct {
	ImportPath, Dir, Name     string
	Standard                  bool
	Imports                   []string
	TestGoFiles, XTestGoFiles []string
	TestImports, XTestImports []string
}

// list returns the packages of this module and all that they depend on.
func list(t *testing.T) []goPackage {
	t.Helper()
	return listIn(t, root)
}

// joined returns the folders of the modules that join others' libraries.
func joined(t *testing.T) (folders []string) {
	t.Helper()
	for _, pattern := range []string{"/contrib/*/go.mod", "/channel/*/go.mod"} {
		files, err := filepath.Glob(root + pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%d modules, %v", len(files), err)
		}
		for _, file := range files {
			folders = append(folders, filepath.Dir(file))
		}
	}
	return folders
}

// listIn is list for the module in a folder.
func listIn(t *testing.T, folder string) (packages []goPackage) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(goToolIn(t, folder, "list", "-deps",
		"-json=ImportPath,Dir,Name,Standard,Imports,TestGoFiles,XTestGoFiles,TestImports,XTestImports", "./...")))
	for {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func decode(t *testing.T, value any, args ...string) {
	t.Helper()
	if err := json.Unmarshal(goTool(t, args...), value); err != nil {
		t.Fatal(err)
	}
}

func goTool(t *testing.T, args ...string) []byte {
	t.Helper()
	return goToolIn(t, root, args...)
}

func goToolIn(t *testing.T, folder string, args ...string) []byte {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", args...)
	command.Dir, command.Stderr = folder, os.Stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return output
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
