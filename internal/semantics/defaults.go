package main

import (
	"go/ast"
	"path/filepath"
	"strings"
)

// setting is one field of some Options with its default.
type setting struct{ name, standard string }

// published are the folders whose options users set.
var published = []string{
	".", "adapters/blocking", "adapters/nethttp", "auth", "bridge", "channel", "consumer", "fallback",
	"middleware", "router", "server", "server/inspect", "sse", "stateless", "worker",
}

// defaultsOf reads the defaults out of the comments of all options.
func defaultsOf(root string) (all []setting, err error) {
	for _, folder := range published {
		files, err := sources(filepath.Join(root, folder))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			for name, fields := range optionTypes(file) {
				all = append(all, settingsOf(file.Name.Name+"."+name, fields)...)
			}
		}
	}
	return all, nil
}

// optionTypes goes through the exported structs of options of a file, in its order.
func optionTypes(file *ast.File) func(yield func(string, *ast.StructType) bool) {
	return func(yield func(string, *ast.StructType) bool) {
		for _, declaration := range file.Decls {
			general, ok := declaration.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range general.Specs {
				named, ok := spec.(*ast.TypeSpec)
				if !ok || !named.Name.IsExported() || !isOptions(named.Name.Name) {
					continue
				}
				if fields, ok := named.Type.(*ast.StructType); ok && !yield(named.Name.Name, fields) {
					return
				}
			}
		}
	}
}

// isOptions reports whether users set the fields of a type with such a name.
func isOptions(name string) bool { return strings.HasSuffix(name, "Options") || name == "Listener" }

// settingsOf returns the fields whose comment says what their default is.
func settingsOf(owner string, fields *ast.StructType) (all []setting) {
	for _, field := range fields.Fields.List {
		standard := standardOf(field.Doc.Text() + " " + field.Comment.Text())
		if standard == "" {
			continue
		}
		for _, name := range field.Names {
			if name.IsExported() {
				all = append(all, setting{owner + "." + name.Name, standard})
			}
		}
	}
	return all
}

// standardOf finds the sentence of a comment that tells the default, and what it
// says of negative values behind it.
func standardOf(comment string) string {
	text := strings.Join(strings.Fields(comment), " ")
	at := strings.Index(text, "Default")
	if at < 0 {
		return ""
	}
	text = text[at:]
	if end := strings.Index(text, ". "); end >= 0 {
		text = text[:end]
	}
	text = strings.TrimSuffix(text, ".")
	for _, opening := range []string{"Defaults ", "Default: ", "Default "} {
		if rest, ok := strings.CutPrefix(text, opening); ok {
			return rest
		}
	}
	return ""
}
