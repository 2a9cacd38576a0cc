package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/parleygo/parley/internal/browsertest"
	"github.com/parleygo/parley/internal/servicetest"
)

// texts is what a page shows of the lines, lines that are still waiting marked.
const texts = `[...document.querySelectorAll('.line')].map(line => (line.matches('.waiting') ? '?' : '') +
	line.querySelector('b').textContent + ': ' + line.querySelector('p').textContent).join('|')`

type browser struct{ *browsertest.Browser }

type tab struct{ *browsertest.Tab }

func (b *browser) open(person, url string) *tab { b.T.Helper(); return &tab{b.Open(person, url)} }

const (
	here   = `[...document.querySelectorAll('#here li')].map(item => item.lastChild.textContent).join('|')`
	typing = `document.querySelector('#typing').textContent`
	state  = `document.querySelector('#state').textContent`
)

func (p *tab) is(state string) {
	p.T.Helper()
	p.Until(`document.body.dataset.state === ` + quote(state))
}
func (p *tab) shows(what, text string) { p.T.Helper(); p.Until(what + " === " + quote(text)) }
func (p *tab) focus(selector string) {
	p.T.Helper()
	p.Eval(`document.querySelector('` + selector + `').focus()`)
}
func (p *tab) click(selector string) {
	p.T.Helper()
	p.Eval(`document.querySelector('` + selector + `').click()`)
}

// onPhone makes the page as narrow as a phone.
func (p *tab) onPhone() {
	p.T.Helper()
	p.Call("Emulation.setDeviceMetricsOverride",
		map[string]any{"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true})
}

func quote(text string) string { return "`" + text + "`" }

// visit opens the page as somebody new, who is asked for a name and gives it.
func (b *browser) visit(url, nick string) (person string, page *tab) {
	b.T.Helper()
	person = b.Person()
	page = b.open(person, url)
	page.is("anonymous")
	page.Enter(nick)
	page.is("online")
	return person, page
}

// TestPage shares one browser: starting it takes longer than what it does.
func TestPage(t *testing.T) {
	chromium := &browser{browsertest.New(t)}
	for name, test := range map[string]func(*testing.T, *browser){
		"two people": twoPeople, "reconnect": reconnect, "without sockets": withoutSockets, "logout": logout, "slow tab": slowTab,
	} {
		t.Run(name, func(t *testing.T) {
			chromium.T = t
			test(t, chromium)
		})
	}
}

// thinks has who types on a page think for as long as the test likes: by itself the page
// tells after 4 seconds that they have stopped.
func (p *tab) thinks() {
	p.T.Helper()
	p.Eval(`void (window.setTimeout = (make => (f, ms, ...more) => ms === 4000 ? 0 : make(f, ms, ...more))(setTimeout))`)
}

// twoPeople has two people talk, by keyboard only.
func twoPeople(t *testing.T, chromium *browser) {
	home := start(t)
	_, ann := chromium.visit(home, "ann")
	_, bob := chromium.visit(home, "bob")
	ann.shows(here, "ann (you)|bob")
	bob.shows(state, "Connected")
	ann.Until(`document.querySelector('#alone').hidden`) // somebody else is

	ann.thinks()
	ann.Call("Input.insertText", map[string]any{"text": "hel"})
	bob.shows(typing, "ann is typing …")
	ann.Enter("lo")
	bob.shows(texts, "ann: hello")
	bob.shows(typing, "")
	ann.shows(texts, "ann: hello")
	bob.Enter("<img src=x onerror=alert(1)>")
	ann.shows(texts, "ann: hello|bob: <img src=x onerror=alert(1)>")
	_, eve := chromium.visit(home, "eve")
	eve.shows(texts, "ann: hello|bob: <img src=x onerror=alert(1)>")

	ann.Eval(`document.querySelector('#text').value = 'x'.repeat(2001),
		document.querySelector('#compose').requestSubmit()`)
	ann.shows(`document.querySelector('.note:last-child')?.textContent`,
		"“"+strings.Repeat("x", 40)+"” was not said: A line has 1 to 2000 characters.")
	eve.Navigate(home)
	eve.shows(texts, "ann: hello|bob: <img src=x onerror=alert(1)>")

	ann.focus("#room")
	ann.Enter("The Cellar!")
	ann.shows(`document.querySelector('h2').textContent`, "#the-cellar")
	ann.shows(`document.querySelector('.note:last-child').textContent`, "“The Cellar!” is called #the-cellar here.")
	ann.shows(`location.hash`, "#the-cellar")
	ann.is("online")
	ann.Until(`!document.querySelector('#alone').hidden`)
	ann.onPhone()
	ann.Until(`document.querySelector('#here li').getClientRects().length > 0`)
	bob.shows(here, "bob (you)|eve")
	bob.Enter("still there?")
	ann.Enter("quiet here")
	ann.shows(texts, "ann: quiet here")
	eve.shows(texts, "ann: hello|bob: <img src=x onerror=alert(1)>|bob: still there?")
}

// reconnect has the server go away and come back.
func reconnect(t *testing.T, chromium *browser) {
	server, stop := launch(t, nap)
	line := servicetest.StartProxy(t, address(t, server))
	home := "http://" + line.Addr + "/"
	_, ann := chromium.visit(home+"#attic", "ann")
	_, bob := chromium.visit(home+"?transport=sse#attic", "bob")
	bob.Enter("before")
	ann.shows(texts, "bob: before")
	stop()
	ann.is("offline")
	bob.is("offline")
	ann.Enter("are you there?")
	ann.shows(texts, "bob: before|?ann: are you there?")

	server, stop = launch(t, nap)
	t.Cleanup(stop)
	line.Point(address(t, server))
	ann.click("#retry") // or it waits for its own next try
	bob.click("#retry")
	ann.shows(texts, "bob: before|ann: are you there?")
	bob.shows(texts, "bob: before|ann: are you there?")
	ann.shows(state, "Connected")
	bob.shows(state, "Connected by events")
}

func address(t *testing.T, home string) string {
	t.Helper()
	at, err := url.Parse(home)
	if err != nil {
		t.Fatal(err)
	}
	return at.Host
}

// withoutSockets has a proxy between that lets no WebSocket through.
func withoutSockets(t *testing.T, chromium *browser) {
	home := start(t)
	server, err := url.Parse(home)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(server)
		r.Out.Host = r.In.Host
	}}
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			http.Error(w, "what is that?", http.StatusBadGateway)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(bad.Close) // when the browser has gone

	_, ann := chromium.visit(home, "ann")
	_, bob := chromium.visit(bad.URL+"/", "bob")
	bob.shows(state, "Connected by events")
	ann.shows(here, "ann (you)|bob")
	ann.Enter("hello")
	bob.shows(texts, "ann: hello")
	bob.thinks()
	bob.Call("Input.insertText", map[string]any{"text": "hi "})
	ann.shows(typing, "bob is typing …")
	bob.Enter("ann")
	ann.shows(texts, "ann: hello|bob: hi ann")
	bob.shows(texts, "ann: hello|bob: hi ann")
	ann.shows(typing, "")

	_, eve := chromium.visit(bad.URL+"/?transport=poll", "eve") // events are held back, too
	eve.shows(state, "Connected by polls")
	eve.shows(texts, "ann: hello|bob: hi ann")
	eve.Enter("hi both")
	bob.shows(texts, "ann: hello|bob: hi ann|eve: hi both")
	eve.click("#logout")
	ann.shows(here, "ann (you)|bob")

	bob.click("#logout") // the server closes what has no socket, too
	bob.is("anonymous")
	ann.shows(here, "ann (you)")
}

// logout: it closes what the person has open, in all tabs and at once, and
// nothing of anybody else.
func logout(t *testing.T, chromium *browser) {
	home := start(t)
	person, ann := chromium.visit(home, "ann")
	other := chromium.open(person, home+"#attic") // is known already
	other.is("online")
	_, bob := chromium.visit(home, "bob")
	bob.shows(here, "ann|bob (you)")

	ann.click("#logout")
	ann.is("anonymous")
	other.is("anonymous")
	bob.shows(here, "bob (you)")
	bob.is("online")

	other.Enter("anna")
	other.is("online")
	other.shows(here, "anna (you)")
}

// slowTab: the page tells what its tab has missed.
func slowTab(t *testing.T, chromium *browser) {
	const lines = 3 * maxWaiting
	naps := newNaps()
	home, stop := launch(t, naps.nap)
	t.Cleanup(stop)
	_, bob := chromium.visit(home, "bob")
	bob.click("#slow")
	<-naps.asleep
	ann, _ := join(t, home, "lobby", "ann") // news that the lines push out
	ann.babble(lines)
	close(naps.over)
	bob.Until(`+document.querySelector('#lost').textContent > 0 && +document.querySelector('#merged').textContent > 0`)
	bob.Until(`document.querySelector('.line:last-of-type p')?.textContent === 'line 95'`)
	bob.shows(here, "ann|bob (you)")
}
