package router

import (
	"fmt"
	"regexp"
	"strings"
)

// Patterns of other frameworks are valid to http.ServeMux, or nearly so, and would
// never match: here they are recognized, to be answered with the right form.

// foreign returns what is wrong with a pattern that is written as another framework
// has it, with the form to write, or "".
func foreign(text string) string {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return ""
	}
	if method := strings.ToUpper(fields[0]); len(fields) > 1 && method != fields[0] {
		return fmt.Sprintf("methods are in upper case: write %q",
			method+" "+strings.Join(fields[1:], " "))
	}
	target := fields[len(fields)-1]
	if target[0] == '^' || strings.Contains(target, "(?") {
		return fmt.Sprintf("a pattern is no regular expression: write %q, "+
			"and constrain its wildcards with router.Regexp", native(strings.Trim(target, "^$")))
	}
	if _, rest, found := strings.Cut(target, "://"); found {
		return fmt.Sprintf("a pattern has no scheme: write %q", rest)
	}
	if i := strings.IndexAny(target, "?#"); i >= 0 {
		return fmt.Sprintf("a pattern has no query: write %q "+
			"(%%3F and %%23 are the characters themselves)", target[:i])
	}
	host, path, found := strings.Cut(target, "/")
	if !found {
		return ""
	}
	if wrong := foreignHost(host, "/"+path); wrong != "" {
		return wrong
	}
	return foreignSegment(host, "/"+path)
}

// foreignHost is about what stands before the path and is no host that a request
// can have.
func foreignHost(host, path string) string {
	name, _, port := strings.Cut(host, ":")
	switch {
	case host == "", host == "localhost", strings.Count(host, ":") > 1: // an IPv6 address
		return ""
	case strings.ContainsAny(host, "{<*") || name == "":
		return fmt.Sprintf("the path must begin with a slash: write %q", native("/"+host+path))
	case port:
		return fmt.Sprintf("a host stands without its port: write %q", name+path)
	case host != strings.ToLower(host):
		return fmt.Sprintf("browsers send hosts in lower case: write %q", strings.ToLower(host)+path)
	case !strings.Contains(host, "."):
		return fmt.Sprintf("the path must begin with a slash, else %q is a host: write %q",
			host, native("/"+host+path))
	}
	return ""
}

// foreignSegment is about segments that are wildcards elsewhere.
func foreignSegment(host, path string) string {
	for piece := range strings.SplitSeq(path[1:], "/") {
		form, constraint := nativeSegment(piece)
		switch {
		case form == piece:
		case constraint == "":
			return fmt.Sprintf("%q is no wildcard here: write %q", piece, host+native(path))
		default:
			return fmt.Sprintf("%q is no wildcard here: write %q, with router.%s",
				piece, host+native(path), constraint)
		}
	}
	return ""
}

// native writes a pattern of another framework as net/http would.
func native(path string) string {
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	pieces := strings.Split(path, "/")
	for i, piece := range pieces {
		pieces[i], _ = nativeSegment(piece)
		if strings.HasSuffix(pieces[i], "...}") { // the rest
			pieces = pieces[:i+1]
			break
		}
	}
	return strings.Join(pieces, "/")
}

// foreignSegments are the wildcards of other frameworks. The groups of an
// expression are the name, the type and the rule of the wildcard, where it has them.
var foreignSegments = []*regexp.Regexp{
	regexp.MustCompile(`^:(?P<name>\w+)\??$`),                             // gin, echo, Express
	regexp.MustCompile(`^(?P<rest>\*\*?)(?P<name>\w*)$`),                  // the same, and globs
	regexp.MustCompile(`^<(?:(?P<type>\w+)(?:\(.*\))?:)?(?P<name>\w+)>$`), // Django, Flask
	regexp.MustCompile(`^\{(?P<name>\w+):(?P<type>int|str|slug|uuid|path)\}$`),
	regexp.MustCompile(`^\{(?P<name>\w+):(?P<rule>.+)\}$`), // chi, gorilla
	regexp.MustCompile(`^\{(?P<rest>\*\*?)(?P<name>\w*)\}$`),
	regexp.MustCompile(`^\(\?P?<(?P<name>\w+)>(?P<rule>.+)\)$`), // Django's expressions
}

// nativeSegment returns a segment as net/http would have it, with the constraint
// that goes with it. What is native already comes back as it is.
func nativeSegment(piece string) (form, constraint string) {
	switch {
	case piece == "$":
		return "{$}", ""
	case !strings.ContainsAny(piece, ":*<"): // which all of them have
		return piece, ""
	}
	for _, expression := range foreignSegments {
		match := expression.FindStringSubmatch(piece)
		if match == nil {
			continue
		}
		group := func(name string) string {
			if i := expression.SubexpIndex(name); i >= 0 {
				return match[i]
			}
			return ""
		}
		name := group("name")
		if group("rest") != "" || group("type") == "path" {
			if name == "" {
				name = "rest"
			}
			return "{" + name + "...}", ""
		}
		return "{" + name + "}", constraintFor(group("type"), name, group("rule"))
	}
	return piece, ""
}

// constraintFor returns the call that makes a constraint of a type or of a rule.
func constraintFor(kind, name, rule string) string {
	for _, known := range []string{"Int", "Slug", "UUID"} {
		if strings.EqualFold(kind, known) {
			return known + `("` + name + `")`
		}
	}
	if rule != "" {
		return `Regexp("` + name + `", regexp.MustCompile(` + "`" + rule + "`))"
	}
	return ""
}
