package parley

import (
	"net/http"
	"slices"
)

// capture is what a router has taken out of a path and has put into the scope. It is
// copied along with the scope; what it points to is not written to any more. The usual
// few values need no memory of their own.
type capture struct {
	names []string // nil if there is nothing
	few   [3]string
	more  *furtherCapture
}

// furtherCapture is what a scope has no room for.
type furtherCapture struct {
	values []string
	above  capture // of a router further up
}

//parley:inline
func (c *capture) at(i int) string {
	if i < len(c.few) {
		return c.few[i]
	}
	return c.more.values[i-len(c.few)]
}

// above is what a router further up has captured, or nil.
//
//parley:inline
func (c *capture) above() *capture {
	if c.more == nil || c.more.above.names == nil {
		return nil
	}
	return &c.more.above
}

// depth counts the routers.
func (c *capture) depth() (n int) {
	if c.names == nil {
		return 0
	}
	for ; c != nil; c = c.above() {
		n++
	}
	return n
}

// setOn puts the values on r, the innermost last.
func (c *capture) setOn(r *http.Request) {
	if above := c.above(); above != nil {
		above.setOn(r)
	}
	for i, name := range c.names {
		r.SetPathValue(name, c.at(i))
	}
}

// Capture is for routers. It has PathValue find a value under each of names, until
// Release is called with the mark that it returns. It writes to the scope: a router
// calls it before it hands the scope on. The values are copied, names are not.
func (s *Scope) Capture(names, values []string) (mark int) {
	mark = s.captured.depth()
	if len(names) == 0 {
		return mark
	}
	if mark > 0 || len(names) > len(s.captured.few) {
		s.captured.more = &furtherCapture{above: s.captured}
	}
	s.captured.names = names
	if n := copy(s.captured.few[:], values); n < len(values) {
		s.captured.more.values = slices.Clone(values[n:])
	}
	return mark
}

// Release forgets what was captured since the call of Capture that has returned mark.
// What NativeRequest has put on the request stays there.
//
//parley:inline
func (s *Scope) Release(mark int) {
	if s.captured.names != nil {
		s.captured.release(mark)
	}
}

func (c *capture) release(mark int) {
	for c.depth() > mark {
		if above := c.above(); above != nil {
			*c = *above
		} else {
			*c = capture{}
		}
	}
}

// NativeRequest returns the scope's Request for code that knows net/http alone:
// whatever routers have captured is found by the request's own PathValue. That is so
// of Request itself, too, unless a router keeps values in the scope, and adapters of
// native handlers call NativeRequest for that case. It writes to both the scope and the request.
//
//parley:inline
func (s *Scope) NativeRequest() *http.Request {
	if s.captured.names != nil {
		s.handOver()
	}
	return s.Request
}

// handOver is not inlined, so that NativeRequest is.
//
//go:noinline
func (s *Scope) handOver() {
	if s.Request != nil {
		s.captured.setOn(s.Request)
		s.captured = capture{} // who sets a value on the request now is heard
	}
}
