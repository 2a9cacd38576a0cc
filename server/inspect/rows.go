package inspect

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/parleygo/parley"
)

// wish is which conversations a viewer wants to see, and in which order.
type wish struct {
	search string
	by     func(a, b *parley.Conversation) int
}

// orders are those that a viewer can ask for. What is most, or oldest, comes first.
var orders = map[string]func(a, b *parley.Conversation) int{
	"route": func(a, b *parley.Conversation) int {
		return cmp.Or(strings.Compare(a.Route, b.Route), strings.Compare(a.Path, b.Path))
	},
	"user":  func(a, b *parley.Conversation) int { return strings.Compare(a.User, b.User) },
	"age":   func(a, b *parley.Conversation) int { return a.Begun.Compare(b.Begun) },
	"queue": func(a, b *parley.Conversation) int { return cmp.Compare(b.QueuedBytes, a.QueuedBytes) },
	"in":    func(a, b *parley.Conversation) int { return cmp.Compare(b.BytesIn, a.BytesIn) },
	"out":   func(a, b *parley.Conversation) int { return cmp.Compare(b.BytesOut, a.BytesOut) },
}

func wishOf(query url.Values) wish {
	by := orders[query.Get("sort")]
	if by == nil {
		by = orders["queue"]
	}
	if query.Get("reverse") != "" {
		forward := by
		by = func(a, b *parley.Conversation) int { return forward(b, a) }
	}
	return wish{search: strings.ToLower(query.Get("q")), by: by}
}

// matches reports whether the conversation is one of those looked for.
func (w *wish) matches(c *parley.Conversation) bool {
	if w.search == "" {
		return true
	}
	for _, text := range []string{c.Route, c.Path, c.User, c.Client, c.Transport, string(c.Protocol)} {
		if strings.Contains(strings.ToLower(text), w.search) {
			return true
		}
	}
	return false
}

// first keeps the first conversations in a wish's order: no more than are shown.
type first struct {
	wish     wish
	list     []*parley.Conversation
	last     *parley.Conversation // who comes after it is not shown
	next     parley.Conversation  // to be looked at: most are not kept, and cost no allocation
	matching int
}

func (f *first) add(c parley.Conversation) {
	f.next = c
	if !f.wish.matches(&f.next) {
		return
	}
	f.matching++
	if f.last != nil && f.compare(f.last, &f.next) < 0 {
		return
	}
	kept := c
	f.list = append(f.list, &kept)
	if len(f.list) >= 4*maxRows {
		f.cut()
	}
}

// compare puts the youngest first among those that the wish makes no difference of.
func (f *first) compare(a, b *parley.Conversation) int {
	return cmp.Or(f.wish.by(a, b), cmp.Compare(b.ID, a.ID))
}

func (f *first) cut() {
	slices.SortFunc(f.list, f.compare)
	if len(f.list) >= maxRows {
		f.list = f.list[:maxRows]
		f.last = f.list[maxRows-1]
	}
}

func (f *first) rows() []row {
	f.cut()
	rows := make([]row, 0, len(f.list))
	for _, c := range f.list {
		rows = append(rows, rowOf(*c))
	}
	return rows
}
