package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// proof is a rule of a package, and what the tests that bear its id say of it.
type proof struct {
	id   string
	says []string
}

// proofs finds the ids in the names of tests and of their cases, by package.
func proofs(root string) (map[string][]proof, error) {
	found := make(map[string]map[string][]string) // package, id, what is said
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && unread(entry.Name()):
			return filepath.SkipDir
		case !bearsIDs(path):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if found[folder] == nil {
			found[folder] = make(map[string][]string)
		}
		collect(file, func(id, says string) { found[folder][id] = append(found[folder][id], says) })
		return err
	})
	sorted := make(map[string][]proof)
	for folder, ids := range found {
		for _, id := range slices.SortedFunc(maps.Keys(ids), byNumber) {
			says := slices.DeleteFunc(ids[id], func(text string) bool { return text == "" })
			slices.Sort(says)
			sorted[folder] = append(sorted[folder], proof{id, slices.Compact(says)})
		}
	}
	return sorted, err
}

// unread reports whether there is no code of ours in a folder.
func unread(folder string) bool { return folder == "testdata" || folder[0] == '.' }

// bearsIDs reports whether the ids of a file count: in tests, and in the suite that
// adapters are tested by.
func bearsIDs(path string) bool {
	return strings.HasSuffix(path, "_test.go") || strings.HasPrefix(filepath.Base(path), "conform_")
}

var (
	testName = regexp.MustCompile(`^(?:Test|Fuzz)((?:[A-H]\d+(?:_\d+)?_)+)(.*)$`)
	caseName = regexp.MustCompile(`^([A-H]\d+\.[0-9a-z][0-9a-z-]*)(?:[ /:]+(.*))?$`)
	oneID    = regexp.MustCompile(`[A-H]\d+(?:_\d+)?`)
)

// collect hands every id in a file to take, with the words that follow it.
func collect(file *ast.File, take func(id, says string)) {
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncDecl:
			if match := testName.FindStringSubmatch(node.Name.Name); match != nil {
				for _, id := range oneID.FindAllString(match[1], -1) {
					take(strings.ReplaceAll(id, "_", "."), words(match[2]))
				}
			}
		case *ast.CompositeLit:
			for i := range len(node.Elts) - 1 {
				takeCase(node.Elts[i], node.Elts[i+1], take)
			}
		case *ast.BasicLit:
			takeCase(node, nil, take)
		}
		return true
	})
}

// takeCase hands over the id in a case's name, with the words behind it, or those of the
// field that follows.
func takeCase(name, following ast.Expr, take func(id, says string)) {
	match := caseName.FindStringSubmatch(literal(name))
	if match == nil {
		return
	}
	says := strings.ReplaceAll(match[2], "-", " ")
	if says == "" {
		says = literal(following)
	}
	take(match[1], says)
}

// literal returns the text of an expression that is a string, or "". What cannot be
// printed stands as Go writes it.
func literal(expr ast.Expr) string {
	basic, ok := expr.(*ast.BasicLit)
	if !ok {
		return ""
	}
	text, _ := strconv.Unquote(basic.Value)
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if !utf8.ValidString(text) || strings.ContainsFunc(text, hidden) {
		return strings.Trim(basic.Value, "\"`")
	}
	return text
}

// words spells a name in camel case out.
func words(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case r == '_':
			r = ' '
		case unicode.IsUpper(r) && i > 0 && !unicode.IsUpper(rune(name[i-1])):
			b.WriteByte(' ')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// byNumber sorts A4.2 before A4.10.
func byNumber(a, b string) int { return strings.Compare(padded(a), padded(b)) }

var number = regexp.MustCompile(`\d+`)

func padded(id string) string {
	return number.ReplaceAllStringFunc(id, func(digits string) string {
		return ("0000" + digits)[len(digits):]
	})
}
