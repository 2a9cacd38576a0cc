package hotpath

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
)

const (
	inline   = "//parley:inline"
	noescape = "//parley:noescape"
)

// marked is a function with a mark.
type marked struct {
	mark, file, name string // the name as the compiler writes it
	first, last      int    // its lines
}

// marks returns the marked functions of the package in dir, their files below root, as
// the compiler names them that runs there.
func marks(root, dir string) (list []marked, err error) {
	pkg, err := build.ImportDir(filepath.Join(root, dir), 0)
	if _, empty := err.(*build.NoGoError); empty {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, name := range pkg.GoFiles {
		file := filepath.Join(dir, name)
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, filepath.Join(root, file), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, decl := range parsed.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Doc == nil {
				continue
			}
			for _, comment := range f.Doc.List {
				if strings.HasPrefix(comment.Text, "//parley:") {
					list = append(list, marked{
						comment.Text, file, nameOf(f), set.Position(f.Type.Func).Line, set.Position(f.End()).Line,
					})
				}
			}
		}
	}
	return list, nil
}

func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	switch t := f.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		if of, ok := t.X.(*ast.Ident); ok {
			return "(*" + of.Name + ")." + f.Name.Name
		}
	case *ast.Ident:
		return t.Name + "." + f.Name.Name
	}
	return f.Name.Name // of a generic type: no mark is right there
}
