package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

const preface = `# Semantics

This page is generated from the code by ` + "`go generate ./...`" + `; do not edit it.
Every rule that an error or a test of the kit names by an id is listed here: an id that
is not on this page does not exist. It has that many lines because the code has that
many rules.
`

// document returns docs/semantics.md for the repository at root.
func document(root string) ([]byte, error) {
	defaults, err := defaultsOf(root)
	if err != nil {
		return nil, err
	}
	shown, err := proofs(root)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(preface)
	writeOrder(&b)
	writeProofs(&b, shown)
	writeErrors(&b)
	writeDefaults(&b, defaults)
	return b.Bytes(), nil
}

func writeOrder(b *bytes.Buffer) {
	b.WriteString(`
## What an app may not send

Such an event is refused with a ` + "`*parley.ProtocolError`" + ` that names state, event and
rule, and wraps the error. Nothing of it reaches the wire, unless the last column says so.

`)
	writeRow(b, "rule", "state", "event", "error", "outcome")
	writeRow(b, "---", "---", "---", "---", "---")
	for _, rule := range protocol.Rules() {
		outcome := rule.Outcome
		if outcome == "" {
			outcome = "as before"
		}
		writeRow(b, code(rule.ID), rule.State, rule.Event, rule.Err.Error(), outcome)
	}
}

func writeProofs(b *bytes.Buffer, proofs map[string][]proof) {
	b.WriteString("\n## What tests show, by package\n\n" +
		"The rules of an area, and the tests and cases that bear their ids.\n")
	for _, folder := range slices.Sorted(maps.Keys(proofs)) {
		if len(proofs[folder]) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n### %s\n\n", folder)
		writeRow(b, "rule", "shown")
		writeRow(b, "---", "---")
		for _, proof := range proofs[folder] {
			writeRow(b, code(proof.id), strings.Join(proof.says, "; "))
		}
	}
}

func writeErrors(b *bytes.Buffer) {
	b.WriteString(`
## Errors, close codes, statuses

An app that returns one of these, or an error that wraps it, ends its socket with the
close code, and answers with the status where nothing was answered yet. Any other error
is 1011 and 500.

`)
	writeRow(b, "error", "is also", "close code", "status")
	writeRow(b, "---", "---", "---", "---")
	for _, s := range sentinels {
		kind := ""
		if s.kind != "" {
			kind = code(s.kind)
		}
		writeRow(b, code(s.name), kind,
			fmt.Sprint(int(parley.CodeOf(s.err))), fmt.Sprint(protocol.Status(s.err)))
	}
}

func writeDefaults(b *bytes.Buffer, defaults []setting) {
	b.WriteString("\n## Defaults\n\nAs the options' own comments give them.\n\n")
	writeRow(b, "option", "default")
	writeRow(b, "---", "---")
	for _, s := range defaults {
		writeRow(b, code(s.name), s.standard)
	}
}

func code(text string) string { return "`" + text + "`" }

func writeRow(b *bytes.Buffer, cells ...string) {
	for _, cell := range cells {
		b.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`) + " ")
	}
	b.WriteString("|\n")
}
