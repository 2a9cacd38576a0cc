package inspect_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/browsertest"
)

const (
	state = `document.querySelector('#state').textContent`
	users = `[...document.querySelectorAll('#rows td.user')].map(cell => cell.textContent)` +
		`.sort().join('|')`
	said  = `document.querySelector('#said').textContent`
	focus = `(document.activeElement.ariaLabel || document.activeElement.id ||` +
		` document.activeElement.textContent)`
)

func shows(page *browsertest.Tab, what, text string) {
	page.T.Helper()
	page.Until(what + " === " + fmt.Sprintf("%q", text))
}

// size makes the window's page as large as a screen.
func size(page *browsertest.Tab, width, height int, mobile bool) {
	page.T.Helper()
	page.Call("Emulation.setDeviceMetricsOverride",
		map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile})
}

// TestPage shares one browser: starting it takes longer than what it does.
func TestPage(t *testing.T) {
	chromium := browsertest.New(t)
	for name, test := range map[string]func(t *testing.T, chromium *browsertest.Browser){
		"operator": operator, "hostile names": hostileNames, "narrow": narrow, "screenshots": screenshots,
	} {
		t.Run(name, func(t *testing.T) {
			chromium.T = t
			test(t, chromium)
		})
	}
}

// operator looks on, kicks somebody and drains, by keyboard only.
func operator(t *testing.T, chromium *browsertest.Browser) {
	s := start(t)
	ann, bob := s.dial("/chat/go?user=ann"), s.dial("/chat/go?user=bob")
	s.say(ann, "hello")
	s.say(bob, "hello")
	page := chromium.Open(chromium.Person(), "http://"+s.host+"/inspect/")
	shows(page, users, "ann|anonymous|bob") // and the page itself
	shows(page, state, "live")
	page.Eval(`void (window.setTimeout = (make => (f, ms, ...more) =>
		ms === 6000 ? 0 : make(f, ms, ...more))(setTimeout))`) // what it says stays said
	tab := func() { page.Press("Tab", 9, "") }
	until := func(name string) {
		t.Helper()
		for range 30 {
			if tab(); page.Eval(focus) == name {
				return
			}
		}
		t.Fatalf("no way to %q", name)
	}
	tab()
	if got := page.Eval(focus); got != "Skip to connections" {
		t.Errorf("first there is %q", got)
	}
	until("drain")
	if page.Eval(`document.activeElement.matches(':focus-visible')`) != true {
		t.Error("nobody sees where the focus is")
	}
	until("Search connections")
	page.Call("Input.insertText", map[string]any{"text": "ann"})
	shows(page, users, "ann")
	until("Age")
	page.Press("Enter", 13, "\r")
	page.Until(`document.querySelector('th[data-sort=age]').ariaSort === 'descending'`)
	until("Kick ann at /chat/go from " + ann.LocalAddr().String())
	page.Press("Enter", 13, "\r")
	shows(page, focus, "ask-no")
	until("ask-yes")
	page.Press("Enter", 13, "\r")
	if _, _, err := ann.ReadMessage(); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
		t.Errorf("ann is told %v", err)
	}
	shows(page, said, "Kicked ann.")
	ann.Close()
	page.Until(`document.querySelector('#ends .code')?.textContent === '1008'`)
	s.say(bob, "still here")

	page.Eval(`document.querySelector('#drain').focus()`)
	page.Press("Enter", 13, "\r")
	page.Until(`document.querySelector('#ask').open`)
	until("ask-yes")
	page.Press("Enter", 13, "\r")
	if _, _, err := bob.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
		t.Errorf("bob is told %v", err)
	}
	bob.Close()
	page.Until(state + ` === 'the server goes' || ` + state + ` === 'reconnecting'`)
}

// hostileNames: what clients and users are called is text, whatever it is.
func hostileNames(t *testing.T, chromium *browsertest.Browser) {
	s := start(t)
	const evil = `"><img src=x onerror=document.title='owned'><script>document.title='owned'</script>`
	s.dial("/chat/" + url.PathEscape(evil) + "?user=" + url.QueryEscape(evil))
	inbox, err := s.layer.Open(t.Context(), channel.InboxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer inbox.Close()
	bridge.Do(bridge.Keyed(bridge.With(t.Context(), s.pool), evil), func(context.Context) error {
		return nil
	})
	leaving := s.dial("/chat/go?user=" + url.QueryEscape(evil))
	leaving.WriteMessage(websocket.TextMessage, []byte("leave"))
	leaving.ReadMessage()
	page := chromium.Open(chromium.Person(), "http://"+s.host+"/inspect/")
	page.Until(`document.querySelector('#ends .user')`)
	page.Until(`document.querySelector('#bridges td.mono')`)
	for what, want := range map[string]any{
		`document.querySelectorAll('td img, td script, li img').length`: 0.0,
		`document.scripts.length`:                                1.0,
		`document.title.startsWith('Inspector')`:                 true,
		`document.querySelector('#ends .user').textContent`:      evil,
		`document.querySelector('#bridges td.mono').textContent`: "key " + evil,
	} {
		if got := page.Eval(what); got != want {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	page.Until(`[...document.querySelectorAll('#rows .user')].some(
		cell => cell.textContent.includes('<script>'))`)
	if errors := page.Errors(); len(errors) > 0 {
		t.Errorf("the browser complains: %q", errors)
	}
}

// narrow: on a phone nothing is wider than the screen.
func narrow(t *testing.T, chromium *browsertest.Browser) {
	s := start(t)
	s.say(s.dial("/chat/"+strings.Repeat("long", 40)+"?user="+strings.Repeat("x", 150)), "hello")
	page := chromium.Open(chromium.Person(), "http://"+s.host+"/inspect/")
	size(page, 360, 800, true)
	page.Until(`document.querySelectorAll('#rows tbody tr').length === 2`)
	if wide := page.Eval(`document.documentElement.scrollWidth`); wide != 360.0 {
		t.Errorf("%v pixels wide", wide)
	}
	shown := `document.querySelector('#rows .kick').getBoundingClientRect().right < 360`
	if page.Eval(shown) != true {
		t.Error("the button is out of sight")
	}
}
