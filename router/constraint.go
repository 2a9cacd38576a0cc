package router

import (
	"regexp"
	"strconv"
)

// Constraint limits what a wildcard of a pattern may match. A value that does
// not fit is no match, and the router goes on with its next-best route. The
// zero value is of no use: see Int, Slug, UUID, Path and Regexp.
type Constraint struct {
	name string // of the wildcard
	rule string // what fits, told apart from other rules
	fits func(value string) bool
}

// Int makes the wildcard name match one or more decimal digits whose value fits
// an int: "7" and "007", but neither "-7" nor a number too large.
func Int(name string) Constraint { return Constraint{name, "int", isInt} }

// Slug makes the wildcard name match one or more ASCII letters, digits, hyphens
// and underscores.
func Slug(name string) Constraint { return Constraint{name, "slug", isSlug} }

// UUID makes the wildcard name match a UUID in its canonical form: lower case,
// with hyphens.
func UUID(name string) Constraint { return Constraint{name, "uuid", isUUID} }

// Path makes the wildcard name, which ends in "..." in the pattern, match
// something: without a constraint it matches an empty rest as well.
func Path(name string) Constraint {
	return Constraint{name, "path", func(value string) bool { return value != "" }}
}

// Regexp makes the wildcard name match what re matches from its beginning to its
// end. It panics if re is nil.
func Regexp(name string, re *regexp.Regexp) Constraint {
	if re == nil {
		panic("router: Regexp(" + strconv.Quote(name) + "): the expression is nil")
	}
	whole := regexp.MustCompile(`\A(?:` + re.String() + `)\z`)
	return Constraint{name, "regexp " + re.String(), whole.MatchString}
}

func isInt(value string) bool {
	for i := range len(value) {
		if !isDigit(value[i]) {
			return false
		}
	}
	_, err := strconv.Atoi(value)
	return err == nil
}

func isSlug(value string) bool {
	for i := range len(value) {
		c := value[i]
		if !isDigit(c) && !isLetter(c) && c != '-' && c != '_' {
			return false
		}
	}
	return value != ""
}

func isUUID(value string) bool {
	if len(value) != len("00000000-0000-0000-0000-000000000000") {
		return false
	}
	for i := range len(value) {
		switch c := value[i]; i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !isDigit(c) && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
