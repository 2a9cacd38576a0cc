package client_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/parleygo/parley/internal/browsertest"
)

// open makes a client in a page, as window.chat, that would by itself not try again nor
// look whether it lives before the test is over, and waits until it is open. The page
// keeps how often the client has waited: a state passes, a count stays. A client that
// looks whether it lives gives up after pong milliseconds, dead or not: those of tests
// where it is to live are many.
func open(t *testing.T, chromium *browsertest.Browser, s *stage, transport string, pong int) *browsertest.Tab {
	t.Helper()
	chromium.T = t
	page := chromium.Open(chromium.Person(), s.url()+"/")
	page.Eval(fmt.Sprintf(`(async () => {
		const {Parley} = await import('/client/parley.js');
		window.chat = new Parley('/room', {transports: [%q], remember: false, stableAfter: 0,
			backoffMin: 600_000, backoffMax: 600_000, openTimeout: 600_000,
			pingAfter: 600_000, pongTimeout: %d});
		window.waits = 0;
		chat.addEventListener('state', ({state, reason}) => {
			if (state === 'waiting') waits++;
			document.title = state;
			if (reason === 'silence') document.body.dataset.silence = true;
		});
		chat.on('said', ({n}) => document.body.append(n, ' '));
		await chat.connect();
	})()`, transport, pong))
	return page
}

// forEver is longer than a test has, in milliseconds.
const forEver = 600_000

func is(page *browsertest.Tab, state string) {
	page.T.Helper()
	page.Until(fmt.Sprintf("document.title === %q", state))
}

func offline(page *browsertest.Tab, on bool) {
	page.T.Helper()
	page.Call("Network.emulateNetworkConditions", map[string]any{
		"offline": on, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
}

// TestPageLife: the client does what its page does.
func TestPageLife(t *testing.T) {
	chromium := browsertest.New(t)
	for _, transport := range []string{"websocket", "sse", "poll"} {
		for name, test := range map[string]struct {
			pong int
			play func(*testing.T, *stage, *browsertest.Tab)
		}{
			"online":  {forEver, comesOnline},
			"offline": {300, goesOffline},
			"alive":   {forEver, staysOnline},
			"visible": {300, becomesVisible},
			"history": {forEver, goesBack},
		} {
			t.Run(transport+"/"+name, func(t *testing.T) {
				s := newStage(t, newWire())
				test.play(t, s, open(t, chromium, s, transport, test.pong))
			})
		}
	}
}

// comesOnline: it tries at once when the machine is online again. That it is offline is
// a reason to try, too, as far as a browser has pages feel that: to no avail, as a rule.
func comesOnline(_ *testing.T, s *stage, page *browsertest.Tab) {
	restart(s, page)
	page.Eval(`waits = 0`)
	offline(page, true)
	page.Until(`waits > 0 || document.title === 'open'`)
	offline(page, false)
	is(page, "open")
}

// restart has the server forget the client, and takes it back once the client has found
// that out and waits.
func restart(s *stage, page *browsertest.Tab) {
	page.T.Helper()
	ctx := page.T.Context()
	s.cast.control(ctx, "/deny", http.StatusServiceUnavailable, nil)
	s.end()
	s.again()
	is(page, "waiting")
	s.cast.control(ctx, "/deny", 0, nil)
}

// becomesVisible: somebody who looks at the page does not have to wait.
func becomesVisible(_ *testing.T, s *stage, page *browsertest.Tab) {
	show := func(state string) {
		page.Eval(fmt.Sprintf(`Object.defineProperty(document, 'visibilityState',
			{value: %q, configurable: true}), document.dispatchEvent(new Event('visibilitychange'))`, state))
	}
	restart(s, page)
	show("hidden")
	is(page, "waiting")
	show("visible")
	is(page, "open")
	s.proxy.Silence() // a connection that has died meanwhile is noticed
	again(page, "document.dispatchEvent(new Event('visibilitychange'))")
	page.Until(`document.body.dataset.silence`)
}

// again has the page do something again and again: what was on its way before the line was
// cut is a sign of life, too.
func again(page *browsertest.Tab, action string) {
	page.T.Helper()
	page.Eval(`void setInterval(() => { ` + action + ` }, 1000)`)
}

// staysOnline: it looks whether the connection lives. Being told that there is no network
// is no proof: the server may be on this machine.
func staysOnline(t *testing.T, s *stage, page *browsertest.Tab) {
	looks := "pinged"
	if page.Eval(`chat.transport`) == "sse" {
		looks = "asked" // for the stream, once more
	}
	before := s.report()[looks].(int)
	page.Eval(`dispatchEvent(new Event('offline'))`)
	s.await(func(report map[string]any) bool { return report[looks].(int) > before })
	if waits := page.Eval(`waits`); waits != 0.0 {
		t.Errorf("it has waited %v times", waits)
	}
	is(page, "open")
}

// goesOffline: it notices that the connection is dead.
func goesOffline(_ *testing.T, s *stage, page *browsertest.Tab) {
	s.proxy.Silence()
	again(page, "dispatchEvent(new Event('offline'))")
	page.Until(`document.body.dataset.silence`)
}

// goesBack: a page that is left says goodbye, also to a server that it has no socket to.
// One that comes back from the browser's cache goes on where it was.
func goesBack(t *testing.T, s *stage, page *browsertest.Tab) {
	page.Eval(`new Promise(done => {
		const look = () => chat.positions.room ? done() : setTimeout(look, 10);
		look();
	})`)
	page.Eval(`addEventListener('pageshow', ({persisted}) => { window.persisted = persisted; })`)
	page.Navigate(s.url() + "/client/LICENSE")
	s.await(func(report map[string]any) bool { return report["members"] == 0 })
	s.cast.control(t.Context(), "/publish", 3, nil)
	page.Back()
	page.Until(`window.persisted`)
	is(page, "open")
	page.Until(`document.body.textContent.includes('0 1 2 ')`)
}
