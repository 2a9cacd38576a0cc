package router

import (
	"net/http"
	"slices"
	"strings"
)

// captures are the values of a pattern's wildcards. The usual few need no
// memory of their own.
type captures struct {
	count int
	few   [4]capture
	more  []capture
}

type capture struct{ name, value string }

// capturesOf returns what r was matched with so far.
func capturesOf(r *http.Request) (c captures) {
	if strings.IndexByte(r.Pattern, '{') < 0 {
		return c
	}
	for name := range wildcards(r.Pattern) {
		value := capture{name, r.PathValue(name)}
		if c.count < len(c.few) {
			c.few[c.count] = value
		} else {
			c.more = append(c.more, value)
		}
		c.count++
	}
	return c
}

func (c *captures) any() bool { return c.count > 0 }

// carry sets the values on r, but for those that ServeMux has set since, under
// names: the innermost wins.
func (c *captures) carry(r *http.Request, names []string) {
	for i := range c.count {
		value := c.at(i)
		if !slices.Contains(names, value.name) {
			r.SetPathValue(value.name, value.value)
		}
	}
}

func (c *captures) at(i int) *capture {
	if i < len(c.few) {
		return &c.few[i]
	}
	return &c.more[i-len(c.few)]
}
