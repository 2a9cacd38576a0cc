package main

import (
	"bytes"
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/leak"
	"github.com/parleygo/parley/internal/protocol"
)

func TestMain(m *testing.M) { leak.Main(m) }

const root = "../.."

func TestPageIsWhatTheCodeSays(t *testing.T) {
	want, err := document(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(root + "/docs/semantics.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/semantics.md is not what the code says: run go generate ./internal/semantics")
	}
}

// TestHiddenIsWritten wants nothing on the page that no reader can see.
func TestHiddenIsWritten(t *testing.T) {
	for source, want := range map[string]string{
		`"b\u00fccher"`: "b\u00fccher", `"b\xfccher"`: `b\xfccher`, `"a\u2000b"`: `a\u2000b`,
		"`raw`": "raw", `"a\tb"`: `a\tb`,
	} {
		expr, err := parser.ParseExpr(source)
		if got := literal(expr); got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", source, got, err, want)
		}
	}
}

// TestEveryRuleIsSaid wants words behind an id somewhere.
func TestEveryRuleIsSaid(t *testing.T) {
	shown, err := proofs(root)
	if err != nil {
		t.Fatal(err)
	}
	said := make(map[string]bool)
	for _, rule := range protocol.Rules() {
		said[rule.ID] = true
	}
	for _, list := range shown {
		for _, proof := range list {
			if len(proof.says) > 0 || strings.ContainsFunc(proof.id, isLetter) {
				said[proof.id] = true
			}
		}
	}
	for folder, list := range shown {
		for _, proof := range list {
			if !said[proof.id] {
				t.Errorf("%s: the tests that bear %s do not say what holds: name them", folder, proof.id)
			}
		}
	}
}

// isLetter reports whether a letter is part of the words of an id, as in A4.head.
func isLetter(r rune) bool { return r >= 'a' && r <= 'z' }

// TestRulesAreInTheTable wants nobody to refuse by a rule of its own: protocol.Rules
// is what the page is made of.
func TestRulesAreInTheTable(t *testing.T) {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		isCode := strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
		if err != nil || !isCode || path == filepath.Join(root, "internal/protocol/rules.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("&parley.ProtocolError{")) {
			t.Errorf("%s makes a ProtocolError without a rule of the table", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSentinels(t *testing.T) {
	listed := make(map[string]bool)
	for _, s := range sentinels {
		listed[s.name] = true
		kind, known := kinds[s.kind]
		switch {
		case !known:
			t.Errorf("%s: there is no kind %s", s.name, s.kind)
		case s.kind != "" && !errors.Is(s.err, kind):
			t.Errorf("%s is no %s", s.name, s.kind)
		}
		for name, other := range kinds {
			told := kind != nil && errors.Is(kind, other)
			if other != nil && other != s.err && errors.Is(s.err, other) && !told {
				t.Errorf("%s is %s, which the table does not say", s.name, name)
			}
		}
	}
	for _, name := range exportedErrors(t) {
		if !listed[name] {
			t.Errorf("%s is not in the table of errors", name)
		}
	}
}

// kinds are the errors by which programs tell errors of all packages apart.
var kinds = map[string]error{
	"":                         nil,
	"net.ErrClosed":            net.ErrClosed,
	"context.DeadlineExceeded": context.DeadlineExceeded,
	"errors.ErrUnsupported":    errors.ErrUnsupported,
	"parley.ErrClosed":         parley.ErrClosed,
	"parley.ErrDisconnected":   parley.ErrDisconnected,
	"parley.ErrFull":           parley.ErrFull,
	"parley.ErrTooLarge":       parley.ErrTooLarge,
	"parley.ErrDraining":       parley.ErrDraining,
	"parley.ErrOverloaded":     parley.ErrOverloaded,
	"parley.ErrRateLimited":    parley.ErrRateLimited,
	"parley.ErrAuthExpired":    parley.ErrAuthExpired,
}

// exportedErrors finds the errors that packages declare, by their names.
func exportedErrors(t *testing.T) (names []string) {
	t.Helper()
	for _, folder := range published {
		files, err := sources(filepath.Join(root, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			for _, declaration := range file.Decls {
				general, ok := declaration.(*ast.GenDecl)
				if !ok {
					continue
				}
				for _, spec := range general.Specs {
					names = append(names, errorNames(file.Name.Name, spec)...)
				}
			}
		}
	}
	return names
}

func errorNames(owner string, spec ast.Spec) (names []string) {
	values, ok := spec.(*ast.ValueSpec)
	if !ok {
		return nil
	}
	for _, name := range values.Names {
		if name.IsExported() && strings.HasPrefix(name.Name, "Err") {
			names = append(names, owner+"."+name.Name)
		}
	}
	return names
}
