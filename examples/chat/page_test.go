package main

import (
	"net/url"
	"strings"
	"testing"
)

// texts is what a page shows of the lines, lines that are still waiting marked.
const texts = `[...document.querySelectorAll('.line')].map(line => (line.matches('.waiting') ? '?' : '') +
	(line.matches('.mine') ? 'me' : line.querySelector('b').textContent) + ': ' + line.querySelector('p').textContent).join('|')`

func online(p *tab)              { p.t.Helper(); p.until(`document.body.dataset.state === 'online'`) }
func offline(p *tab)             { p.t.Helper(); p.until(`document.body.dataset.state === 'offline'`) }
func shows(p *tab, lines string) { p.t.Helper(); p.until(texts + " === " + quote(lines)) }

func quote(text string) string { return "`" + text + "`" }

// TestTabs has two tabs talk, by keyboard only.
func TestTabs(t *testing.T) {
	home := start(t, "127.0.0.1:0")
	chromium := newBrowser(t)
	ann, bob := chromium.open(home), chromium.open(home)
	for tab, nick := range map[*tab]string{ann: "ann", bob: "bob"} {
		online(tab)
		tab.eval(`document.querySelector('#nick').select()`)
		tab.enter(nick)
		online(tab)
	}

	ann.enter("hello")
	shows(bob, "ann: hello")
	shows(ann, "me: hello")
	bob.enter("<img src=x onerror=alert(1)>")
	shows(ann, "me: hello|bob: <img src=x onerror=alert(1)>")

	ann.eval(`document.querySelector('#room').focus()`)
	ann.enter("The Cellar!")
	ann.until(`document.querySelector('h2').textContent === '#the-cellar'`)
	online(ann)
	bob.enter("still there?")
	ann.enter("quiet here")
	shows(ann, "me: quiet here")
	shows(bob, "ann: hello|me: <img src=x onerror=alert(1)>|me: still there?")
}

// TestReconnect has the server go away and come back.
func TestReconnect(t *testing.T) {
	home, stop := launch(t, "127.0.0.1:0")
	chromium := newBrowser(t)
	ann, bob := chromium.open(home+"#attic"), chromium.open(home+"#attic")
	online(ann)
	online(bob)
	stop()
	offline(ann)
	offline(bob)
	ann.enter("are you there?")
	shows(ann, "?me: are you there?")

	at, err := url.Parse(home)
	if err != nil {
		t.Fatal(err)
	}
	start(t, at.Host)
	shows(ann, "me: are you there?")
	if got := ann.eval(texts).(string); strings.Contains(got, "?me") {
		t.Errorf("got %s", got)
	}
}
