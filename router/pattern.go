package router

import (
	"net/url"
	"strings"
)

// pattern is one of net/http's patterns taken apart.
type pattern struct {
	text     string // as registered, and as http.Request.Pattern shows it
	method   string // or ""
	host     string // or ""
	path     string // as registered
	segments []segment
}

// segment is a piece of a pattern's path.
type segment struct {
	kind segmentKind
	text string // a literal unescaped, or the name of a wildcard
}

type segmentKind byte

const (
	literal segmentKind = '='
	wild    segmentKind = '*' // {x}: one segment that is not empty
	multi   segmentKind = '.' // {x...}, or a slash at the end: all that is left
	end     segmentKind = '$' // {$}: nothing behind the slash
)

// parsePattern takes a pattern apart that http.ServeMux has found valid.
func parsePattern(text string) pattern {
	p := pattern{text: text}
	rest := text
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		p.method, rest = text[:i], strings.TrimLeft(text[i:], " \t")
	}
	slash := strings.IndexByte(rest, '/')
	p.host, p.path = rest[:slash], rest[slash:]
	for piece := range strings.SplitSeq(p.path[1:], "/") {
		p.segments = append(p.segments, parseSegment(piece))
	}
	return p
}

func parseSegment(piece string) segment {
	name, isWild := strings.CutPrefix(piece, "{")
	name = strings.TrimSuffix(name, "}")
	name, isMulti := strings.CutSuffix(name, "...")
	switch {
	case piece == "": // a slash at the end
		return segment{multi, ""}
	case isWild && name == "$":
		return segment{end, ""}
	case isWild && isMulti:
		return segment{multi, name}
	case isWild:
		return segment{wild, name}
	}
	if unescaped, err := url.PathUnescape(piece); err == nil {
		piece = unescaped
	}
	return segment{literal, piece}
}

// last returns the kind of the last segment.
func (p *pattern) last() segmentKind { return p.segments[len(p.segments)-1].kind }

// shape is the same for two patterns that match the same requests.
func (p *pattern) shape() string {
	shape := p.method + " " + p.host
	for _, s := range p.segments {
		shape += "/" + string(s.kind)
		if s.kind == literal {
			shape += url.PathEscape(s.text)
		}
	}
	return shape
}

// names returns those of the wildcards, in order.
func (p *pattern) names() (names []string) {
	for _, s := range p.segments {
		if s.kind != literal && s.text != "" {
			names = append(names, s.text)
		}
	}
	return names
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
