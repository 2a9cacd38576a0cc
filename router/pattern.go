package router

import (
	"iter"
	"net/url"
	"strings"
)

// Segments of a pattern, other than literals, once their names are taken off.
const (
	wildSegment  = "{}"
	multiSegment = "{...}"
	endSegment   = "{$}"
)

// pattern is a pattern taken apart. What it matches is for http.ServeMux to
// say; the router only has to know which patterns look alike.
type pattern struct {
	text     string   // as registered, and as http.Request.Pattern shows it
	method   string   // or ""
	host     string   // or ""
	path     string   // as registered
	segments []string // of the path: literals unescaped, wildcards without names
}

// parsePattern takes a pattern apart that http.ServeMux has found valid.
func parsePattern(text string) pattern {
	p := pattern{text: text}
	rest := text
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		p.method, rest = text[:i], strings.TrimLeft(text[i:], " \t")
	}
	slash := strings.IndexByte(rest, '/')
	p.host, p.path = rest[:slash], rest[slash:]
	for segment := range strings.SplitSeq(p.path[1:], "/") {
		p.segments = append(p.segments, segmentKind(segment))
	}
	return p
}

func segmentKind(segment string) string {
	switch {
	case segment == "": // a slash at the end stands for everything below
		return multiSegment
	case segment == endSegment:
		return endSegment
	case strings.HasSuffix(segment, "...}"):
		return multiSegment
	case segment[0] == '{':
		return wildSegment
	}
	if literal, err := url.PathUnescape(segment); err == nil {
		segment = literal
	}
	return "=" + url.PathEscape(segment) // never to be taken for a wildcard, or for two
}

// shape is the same for two patterns that match the same requests.
func (p pattern) shape() string { return p.method + " " + p.host + p.pathShape() }

func (p pattern) pathShape() string { return "/" + strings.Join(p.segments, "/") }

// overlaps tells whether there may be a path that both patterns match. It errs
// on the side of yes, and leaves method and host aside.
func (p pattern) overlaps(q pattern) bool {
	for i := range min(len(p.segments), len(q.segments)) {
		a, b := p.segments[i], q.segments[i]
		if a == multiSegment || b == multiSegment {
			return true
		}
		if a[0] == '=' && b[0] == '=' && a != b {
			return false
		}
	}
	return true
}

// literal tells that the pattern is nothing but a path that reads the same
// escaped and unescaped.
func (p pattern) literal() bool {
	return p.method == "" && p.host == "" && !strings.ContainsAny(p.path, "{%")
}

// wildcards ranges over the names of a pattern's wildcards.
func wildcards(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			_, rest, found := strings.Cut(text, "{")
			if !found {
				return
			}
			var name string
			name, text, _ = strings.Cut(rest, "}")
			if name != "$" && !yield(strings.TrimSuffix(name, "...")) {
				return
			}
		}
	}
}

// leading returns the first n segments of a path, without a slash at the end.
func leading(path string, n int) string {
	for i := range path {
		if path[i] != '/' {
			continue
		}
		if n == 0 {
			return path[:i]
		}
		n--
	}
	return path
}
