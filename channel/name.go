package channel

import (
	"crypto/rand"
	"fmt"
	"strings"
)

// MaxName is the length of the longest name, in bytes.
const MaxName = 100

// Name addresses one inbox. A name made by NewChannel is process-specific: it
// holds one '!' and leads to the layer that made it. A name without '!' is
// general: anyone who knows it may open it or send to it.
//
// A Name may be converted from any string; every method that takes one checks
// it.
type Name string

// Group addresses every inbox that has joined it. As for Name, every method that
// takes one checks it. Of text that a user has written Hashed makes one.
type Group string

// ParseName returns text as a Name, or a *NameError: 1 to 100 bytes, ASCII
// letters, digits, '-', '_' and '.', and at most one '!' that is not the first.
func ParseName(text string) (Name, error) {
	name := Name(text)
	return name, name.check()
}

// ParseGroup returns text as a Group, or a *NameError: 1 to 100 bytes, ASCII
// letters, digits, '-', '_' and '.'.
func ParseGroup(text string) (Group, error) {
	group := Group(text)
	return group, group.check()
}

// NameError says which rule a name broke. It is ErrName.
type NameError struct {
	Kind string // "channel", "group", "message type" or "prefix"
	Name string
	Rule string // the rule that it broke
}

func (e *NameError) Error() string {
	return fmt.Sprintf("channel: %s name %.120q %s", e.Kind, e.Name, e.Rule)
}

// Unwrap makes the error match ErrName.
func (e *NameError) Unwrap() error { return ErrName }

func (n Name) check() error {
	if before, after, local := strings.Cut(string(n), "!"); local && len(n) <= MaxName {
		// The part behind '!' may be empty, the one before it may not.
		if valid(before) && (after == "" || valid(after)) {
			return nil
		}
		return badName("channel", string(n))
	}
	return checkPlain("channel", string(n))
}

func (g Group) check() error { return checkPlain("group", string(g)) }

// layerID returns the id of the layer that a process-specific name leads to:
// what stands between '!' and the last dot before it.
func (n Name) layerID() (id string, ok bool) {
	before, _, ok := strings.Cut(string(n), "!")
	return before[strings.LastIndexByte(before, '.')+1:], ok
}

// own reports whether a process-specific name was made by this layer.
func (l *Layer) own(name Name) bool {
	id, local := name.layerID()
	return local && id == l.id
}

func checkPlain(kind, text string) error {
	if valid(text) {
		return nil
	}
	return badName(kind, text)
}

// badName finds the words for a name that is known to be wrong.
func badName(kind, text string) error {
	rule := "may only hold ASCII letters, digits, '-', '_' and '.'"
	switch {
	case text == "":
		rule = "is empty"
	case len(text) > MaxName:
		rule = fmt.Sprintf("has %d bytes, more than %d", len(text), MaxName)
	case kind == "channel":
		rule += ", and one '!' that is not the first"
	}
	return &NameError{kind, text, rule}
}

func valid(text string) bool {
	if text == "" || len(text) > MaxName {
		return false
	}
	for i := range len(text) {
		if !allowed[text[i]] {
			return false
		}
	}
	return true
}

var allowed = func() (table [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") {
		table[c] = true
	}
	return table
}()

// newID returns 80 unguessable bits: enough to tell layers apart.
func newID() string { return rand.Text()[:16] }

// longestPrefix leaves room in a name for what makes it one of its layer.
const longestPrefix = 56

// NewChannel makes a process-specific name, "prefix.<layer>!<random>", that
// nobody can guess and that no inbox has yet. An empty prefix stands for
// "inbox". The error is a *NameError for a prefix that is out of rule or longer
// than 56 bytes.
func (l *Layer) NewChannel(prefix string) (Name, error) {
	if prefix == "" {
		prefix = "inbox"
	}
	if err := checkPlain("prefix", prefix); err != nil {
		return "", err
	}
	if len(prefix) > longestPrefix {
		return "", &NameError{"prefix", prefix,
			fmt.Sprintf("is longer than %d bytes", longestPrefix)}
	}
	return Name(prefix + "." + l.id + "!" + rand.Text()[:24]), nil // 120 bits
}
