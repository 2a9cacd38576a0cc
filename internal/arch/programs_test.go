package arch_test

import (
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPrograms vets every whole program that the documentation shows: those of the
// README and of the guides, and those of the packages' comments.
func TestPrograms(t *testing.T) {
	guides, err := filepath.Glob(root + "/docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, guide := range append(guides, root+"/README.md") {
		for _, block := range fenced(string(read(t, guide))) {
			vetAll(t, folderOf(t, block), filepath.Base(guide), []string{block})
		}
	}
	for _, p := range list(t) {
		if name, ours := local(p.ImportPath); ours && p.Name != "main" {
			vetAll(t, root, name, documented(t, p.Dir))
		}
	}
	for _, module := range joined(t) {
		for _, p := range goPackages(t, module) {
			vetAll(t, module, p, documented(t, p))
		}
	}
}

// goPackages returns the folders of a module's packages.
func goPackages(t *testing.T, module string) []string {
	t.Helper()
	return strings.Fields(string(goToolIn(t, module, "list", "-f", "{{.Dir}}", "./...")))
}

// folderOf returns the folder of the module that a guide's program can be built in.
func folderOf(t *testing.T, program string) string {
	t.Helper()
	for _, folder := range joined(t) {
		if strings.Contains(program, `"`+module+strings.TrimPrefix(filepath.ToSlash(folder), root)) {
			return folder
		}
	}
	return root
}

// fenced returns the Go code of a Markdown page.
func fenced(page string) (blocks []string) {
	_, page, found := strings.Cut(page, "```go\n")
	for ; found; _, page, found = strings.Cut(page, "```go\n") {
		block, _, _ := strings.Cut(page, "```")
		blocks = append(blocks, block)
	}
	return blocks
}

// documented returns the code that the package comment of a folder shows.
func documented(t *testing.T, folder string) (blocks []string) {
	t.Helper()
	files, err := filepath.Glob(folder + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		var comments comment.Parser
		for _, part := range comments.Parse(parsed.Doc.Text()).Content {
			if code, ok := part.(*comment.Code); ok {
				blocks = append(blocks, code.Text)
			}
		}
	}
	return blocks
}

// vetAll vets those of the blocks that are whole programs, with what a module requires.
func vetAll(t *testing.T, module, from string, blocks []string) {
	t.Helper()
	blocks = slices.DeleteFunc(blocks, func(block string) bool { return !strings.HasPrefix(block, "package main") })
	for _, program := range blocks {
		t.Run(from, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "main.go")
			if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
				t.Fatal(err)
			}
			goToolIn(t, module, "vet", file)
		})
	}
}
