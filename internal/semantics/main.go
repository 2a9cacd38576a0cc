// Command semantics writes docs/semantics.md from the code's own tables: the rules
// that errors and tests name, the errors with their close codes and statuses, the
// defaults. A test checks that the page is what the code says.
package main

import (
	"fmt"
	"os"
)

//go:generate go run . ../..

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: semantics ROOT")
		os.Exit(2)
	}
	page, err := document(os.Args[1])
	if err == nil {
		err = os.WriteFile(os.Args[1]+"/docs/semantics.md", page, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "semantics:", err)
		os.Exit(1)
	}
}
