package main

import (
	"strconv"
	"testing"

	"github.com/parleygo/parley/internal/browsertest"
)

// TestPage: people at the pages of different processes see each other, and what was said
// before they came.
func TestPage(t *testing.T) {
	chromium := browsertest.New(t)
	urls := start(t, 3)
	visit := func(name string, process int) *browsertest.Tab {
		page := chromium.Open(chromium.Person(), urls[process-1]+"?name="+name)
		page.Until(`document.querySelector('#state').textContent === 'open'`)
		return page
	}
	shows := func(page *browsertest.Tab, list, text string) {
		t.Helper()
		page.Until(`[...document.querySelectorAll('` + list + ` li')].map(item => item.textContent).sort()
			.join('|') === ` + strconv.Quote(text))
	}
	ann := visit("ann", 1)
	shows(ann, "#here", "ann (process 1)")
	bob := visit("bob", 2)
	shows(ann, "#here", "ann (process 1)|bob (process 2)")
	shows(bob, "#here", "ann (process 1)|bob (process 2)")
	ann.Enter("<b>hello</b>")
	shows(bob, "#lines", "process 1, ann: <b>hello</b>")
	eve := visit("eve", 3)
	shows(eve, "#lines", "process 1, ann: <b>hello</b>")
	bob.Navigate("about:blank")
	shows(eve, "#here", "ann (process 1)|eve (process 3)")
	shows(ann, "#here", "ann (process 1)|eve (process 3)")
	for _, page := range []*browsertest.Tab{ann, eve} {
		if errors := page.Errors(); len(errors) > 0 {
			t.Errorf("the page says %q", errors)
		}
	}
}
